// `api-resources`: the kinds of objects and what they may be called. Works without a node.
import { Option } from "commander";
import { SERVED_KINDS } from "../api/kinds.ts";
import { EXIT } from "./failure.ts";
import { formatTable } from "./table.ts";
import type { CliPorts, Verb } from "./verb.ts";

export const apiResources: Verb = {
  define(command, invoke) {
    command
      .addOption(new Option("-o, --output <format>", "their names alone").choices(["name"]))
      .addHelpText("before", "Examples:\n  fossora api-resources\n")
      .action((flags: { readonly output?: string }) => invoke((ports) => Promise.resolve(runApiResources(flags, ports))));
  },
};

export function runApiResources({ output }: { readonly output?: string }, { stdout }: CliPorts): number {
  if (output === "name") for (const { plural } of SERVED_KINDS) stdout.line(plural);
  else {
    const rows = SERVED_KINDS.map(({ plural, short, kind, readOnly, description }) => [
      plural,
      short.join(",") || "-",
      kind,
      readOnly ? "get" : "apply, get, delete",
      description,
    ]);
    for (const row of formatTable([["NAME", "SHORT", "KIND", "VERBS", "DESCRIPTION"], ...rows])) stdout.line(row);
  }
  return EXIT.ok;
}
