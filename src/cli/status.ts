// `status`: the house in one look. Exit 0 once the node is ready.
import { reference } from "../api/kinds.ts";
import type { HouseSummary } from "../api/wire.ts";
import { EXIT } from "./failure.ts";
import { parseFormat, yaml } from "./print.ts";
import { formatTable } from "./table.ts";
import type { CliPorts, Verb } from "./verb.ts";

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

function printSummary(summary: HouseSummary, { stdout }: CliPorts): void {
  const { nodes, services, store } = summary;
  const parts = [
    stdout.colors.bold(summary.zone === "" ? "house" : summary.zone),
    `${nodes.ready} of ${plural(nodes.total, "node")} ready`,
    `store: ${store.quorum ? "quorum" : "no quorum"}`,
    services.total === 0 ? "no services" : `${plural(services.total, "service")}, ${services.ready} ready`,
    `v${summary.version}`,
  ];
  stdout.line(parts.join("   "));
  const rows = summary.problems.map(({ severity, message, next }) => [
    `${severity === "error" ? stdout.marks.error : stdout.marks.warn} ${message}`,
    `→ ${next}`,
  ]);
  for (const row of formatTable(rows)) stdout.line(row);
  if (!summary.ready && rows.length === 0)
    stdout.line(`${stdout.marks.warn} ${reference("Membership", summary.node)} is not ready yet  → fossora describe node ${summary.node}`);
  if (services.total === 0 && summary.ready) stdout.line(`${stdout.colors.dim("next:")}  fossora apply -f app.yaml`);
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? "" : "s"}`;
}
