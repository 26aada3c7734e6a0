// `top`: how busy the computers and the apps of the house are at this moment, measured when it is asked.
import { Option } from "commander";
import type { HouseLoad, NodeLoadReport, ServiceLoad } from "../api/load.ts";
import { binaryBytes } from "./age.ts";
import { EXIT, Failure } from "./failure.ts";
import { LiveBlock } from "./live-block.ts";
import { formatTable } from "./table.ts";
import { kindOf } from "./targets.ts";
import type { CliPorts, Verb } from "./verb.ts";

interface TopOptions {
  readonly of: "nodes" | "services";
  readonly watch: boolean;
  readonly json: boolean;
}

/** Measuring takes a second by itself. */
const AGAIN_AFTER_MS = 1_000;

export const top: Verb = {
  define(command, invoke) {
    command
      .argument("[nodes|services]", "of what; the default is nodes")
      .option("-w, --watch", "again and again")
      .addOption(new Option("-o, --output <format>", "one object").choices(["json"]))
      .addHelpText("before", "Examples:\n  fossora top nodes\n  fossora top services -w\n")
      .action((word: string | undefined, flags: { readonly watch?: boolean; readonly output?: string }) =>
        invoke((ports) => runTop({ of: parseOf(word), watch: flags.watch ?? false, json: flags.output === "json" }, ports)),
      );
  },
};

function parseOf(word: string | undefined): TopOptions["of"] {
  const { kind } = word === undefined ? { kind: "Membership" as const } : kindOf(word);
  if (kind === "Membership") return "nodes";
  if (kind === "Service") return "services";
  throw new Failure(EXIT.usage, `Cannot measure "${word}": only nodes and services are.`, "fossora top nodes");
}

async function runTop(options: TopOptions, ports: CliPorts): Promise<number> {
  const { stdout } = ports;
  const block = options.watch && stdout.isTty && !options.json ? new LiveBlock(stdout, Number.POSITIVE_INFINITY) : undefined;
  for (;;) {
    const load = await ports.client.json<HouseLoad>("GET", "/api/v1/top");
    if (block) block.draw(linesOf(load, options));
    else if (options.json) stdout.line(JSON.stringify(options.of === "nodes" ? load.nodes : load.services));
    else for (const line of linesOf(load, options)) stdout.line(line);
    if (!options.watch || block === undefined) sayMissing(load, ports);
    if (!options.watch) return EXIT.ok;
    await ports.sleep(AGAIN_AFTER_MS, ports.interrupted).catch(() => undefined);
    if (ports.interrupted.aborted) return EXIT.interrupted;
  }
}

function linesOf({ nodes, services }: HouseLoad, { of }: TopOptions): readonly string[] {
  if (of === "nodes") return formatTable([["NAME", "CPU", "CORES", "MEM", "APPS"], ...nodes.map(nodeRow)]);
  return formatTable([["NAME", "NODE", "CPU", "MEM"], ...services.flatMap(serviceRows)]);
}

function nodeRow(report: NodeLoadReport): readonly string[] {
  if ("unknown" in report) return [report.node, "-", "-", "-", "-"];
  const { cpus, busyCpus, memoryBytes, usedBytes, containers } = report.load;
  const share = `${Math.round((100 * busyCpus) / Math.max(1, cpus))}%`;
  return [
    report.node,
    share,
    `${busyCpus.toFixed(2)}/${cpus}`,
    `${binaryBytes(usedBytes)}/${binaryBytes(memoryBytes)}`,
    String(new Set(containers.map(({ instance }) => instance)).size),
  ];
}

/** Of several instances each has a line below the sum. */
function serviceRows({ name, instances, ...sum }: ServiceLoad): readonly (readonly string[])[] {
  const [only] = instances;
  const nodes = instances.length === 1 && only !== undefined ? only.node : `${instances.length} instances`;
  const parts = instances.length < 2 ? [] : instances.map((each) => [`  ${each.name}`, each.node, ...used(each)]);
  return [[name, nodes, ...used(sum)], ...parts];
}

function used({ busyCpus, usedBytes }: Pick<ServiceLoad, "busyCpus" | "usedBytes">): readonly string[] {
  return [busyCpus.toFixed(2), binaryBytes(usedBytes)];
}

function sayMissing({ nodes }: HouseLoad, { quiet, stderr }: CliPorts): void {
  if (quiet) return;
  for (const report of nodes)
    if ("unknown" in report) stderr.line(`${stderr.marks.warn} ${report.node} is missing here: ${report.unknown}`);
}
