// `uninstall`: takes Fossora off this computer. Data stays, and so do the apps, which Docker then restarts.
import { addPlaceFlags, nodeOptions, terminalOf } from "./node-flags.ts";
import type { Verb } from "./verb.ts";

export const uninstall: Verb = {
  define(command, invoke) {
    addPlaceFlags(command)
      .addHelpText("before", "Examples:\n  sudo fossora uninstall\n")
      .action((flags: Parameters<typeof nodeOptions>[0]) =>
        invoke(async (ports) => (await ports.node()).uninstall(nodeOptions(flags), terminalOf(ports))),
      );
  },
};
