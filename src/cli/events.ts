// `events`: what happened in the last day, or as it happens.
import { EXIT } from "./failure.ts";
import { runGet } from "./get.ts";
import { parseFormat } from "./print.ts";
import { kindOf, parseNamedTargets } from "./targets.ts";
import type { Verb } from "./verb.ts";

export const events: Verb = {
  define(command, invoke) {
    command
      .option("--for <kind/name>", "only about this object")
      .option("--types <type>", "Normal or Warning")
      .option("-w, --watch", "go on as they happen")
      .option("-o, --output <format>", "wide, json, yaml, ...")
      .addHelpText("before", "Examples:\n  fossora events\n  fossora events --for svc/jellyfin -w\n")
      .action((flags: { readonly for?: string; readonly types?: string; readonly watch?: boolean; readonly output?: string }) =>
        invoke(async (ports) => {
          const about =
            flags.for === undefined
              ? []
              : parseNamedTargets([flags.for], "show events of").map(({ names, name }) => `spec.object=${names.kind}/${name}`);
          const fields = [...about, ...(flags.types === undefined ? [] : [`spec.type=${flags.types}`])].join(",");
          const options = {
            targets: [{ names: kindOf("events") }],
            format: parseFormat(flags.output),
            showLabels: false,
            watch: flags.watch ?? false,
            ...(fields !== "" && { fields }),
          };
          await runGet(options, ports);
          return ports.interrupted.aborted ? EXIT.interrupted : EXIT.ok;
        }),
      );
  },
};
