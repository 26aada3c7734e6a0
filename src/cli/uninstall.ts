// `uninstall`: takes Fossora off this computer. Data stays, and so do the apps, which Docker then restarts.
import { addPlaceFlags, nodeOptions, terminalOf } from "./node-flags.ts";
import type { Verb } from "./verb.ts";

type Flags = Parameters<typeof nodeOptions>[0] & { readonly force?: boolean };

export const uninstall: Verb = {
  define(command, invoke) {
    addPlaceFlags(command)
      .option("--force", "also where its house goes on counting on this computer, or no Docker engine answers")
      .addHelpText("before", "Examples:\n  sudo fossora uninstall\n")
      .addHelpText("after", "\nIn a house of several computers `fossora leave` comes first.\n")
      .action(({ force = false, ...flags }: Flags) =>
        invoke(async (ports) => (await ports.node()).uninstall({ ...nodeOptions(flags), force }, terminalOf(ports))),
      );
  },
};
