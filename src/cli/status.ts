// `status`: the house in one look. Exit 0 once the node is ready.
import type { Computer, HouseComputers, JoiningPhase, JoiningReport } from "../api/computers.ts";
import { reference } from "../api/kinds.ts";
import type { HouseSummary } from "../api/wire.ts";
import { span } from "./age.ts";
import { EXIT } from "./failure.ts";
import { parseFormat, yaml } from "./print.ts";
import { formatTable } from "./table.ts";
import type { CliPorts, Verb } from "./verb.ts";

/** Read each second or so: that is as new as it gets. */
const FRESH_MS = 5_000;

export const status: Verb = {
  define(command, invoke) {
    command
      .option("-o, --output <format>", "json or yaml")
      .addHelpText("before", "Examples:\n  fossora status\n  fossora status -o json\n")
      .action((flags: { readonly output?: string }) => invoke((ports) => runStatus(flags, ports)));
  },
};

export async function runStatus({ output }: { readonly output?: string }, ports: CliPorts): Promise<number> {
  const format = parseFormat(output);
  const summary = await ports.client.json<HouseSummary>("GET", "/api/v1/status");
  if (format.kind === "json") ports.stdout.line(JSON.stringify(summary, undefined, 2));
  else if (format.kind === "yaml") ports.stdout.line(await yaml(summary));
  else printSummary(summary, ports);
  return summary.ready ? EXIT.ok : EXIT.failed;
}

function printSummary(summary: HouseSummary, ports: CliPorts): void {
  const { stdout } = ports;
  const { services, house, joining } = summary;
  if (joining !== undefined) for (const line of joiningLines(joining, ports)) stdout.line(line);
  else for (const line of headLines(summary, ports)) stdout.line(line);
  const rows = summary.problems.map(({ severity, message, next }) => [
    `${severity === "error" ? stdout.marks.error : stdout.marks.warn} ${message}`,
    `→ ${next}`,
  ]);
  for (const row of formatTable(rows)) stdout.line(row);
  if (joining !== undefined) return;
  if (!summary.ready && rows.length === 0)
    stdout.line(`${stdout.marks.warn} ${reference("Membership", summary.node)} is not ready yet  → fossora describe node ${summary.node}`);
  if (house !== undefined && house.computers.length > 1) for (const row of computerRows(house)) stdout.line(row);
  if (services.total === 0 && summary.ready) stdout.line(`${stdout.colors.dim("next:")}  fossora apply -f app.yaml`);
}

function headLines({ zone, nodes, services, store, house, version }: HouseSummary, { stdout }: CliPorts): readonly string[] {
  const voters = house !== undefined && house.voters > 1 ? ` ${house.votersUp}/${house.voters}` : "";
  const parts = [
    stdout.colors.bold(zone === "" ? "house" : zone),
    `${nodes.ready} of ${plural(nodes.total, "node")} ready`,
    `store: ${store.quorum ? "quorum" : "no quorum"}${voters}`,
    services.total === 0 ? "no services" : `${plural(services.total, "service")}, ${services.ready} ready`,
    `v${version}`,
  ];
  return [parts.join("   "), ...(house === undefined ? [] : [`survives ${house.survives}`])];
}

/** What this computer does on its way into a house, in its own words. */
function joiningLines({ node, phase, forMs, words, wish, said }: JoiningReport, { stdout }: CliPorts): readonly string[] {
  const whom = wish === undefined || wish.addresses.length === 0 ? "" : ` at ${wish.addresses.join(", ")}`;
  const last = said.at(-1);
  return [
    `${stdout.colors.bold(node)} belongs to no house${phase === "resting" ? "" : " yet"}: ${PHASES[phase]}${whom} (${span(forMs)})`,
    ...(phase === "waiting" ? [`six words of this computer: ${words}`] : []),
    ...(last === undefined || phase === "resting" ? [] : [`${stdout.marks.warn} ${last}`]),
  ];
}

const PHASES: Readonly<Record<JoiningPhase, string>> = {
  looking: "it looks for one",
  founding: "it founds one",
  asking: "it asks to be let in",
  queued: "it waits for its turn",
  waiting: "it waits for a person to let it in",
  refused: "it was not let in",
  starting: "it was let in, and its store starts",
  member: "it was let in, and reads the house",
  resting: "it left, and waits for `fossora join` or `fossora up`",
};

function computerRows({ computers }: HouseComputers): readonly string[] {
  return formatTable([["NODE", "ROLE", "LINK", "STATE"], ...computers.map((each) => [each.name, each.role, linkOf(each), stateOf(each)])]);
}

function linkOf({ self, roundTripMs, address }: Computer): string {
  if (self) return "this computer";
  return roundTripMs === undefined ? "silent" : `${roundTripMs} ms${address === undefined ? "" : `, ${address}`}`;
}

function stateOf({ stateAgeMs }: Computer): string {
  return stateAgeMs === undefined ? "-" : stateAgeMs < FRESH_MS ? "now" : `${span(stateAgeMs)} old`;
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
