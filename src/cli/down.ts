// `down`: stops Fossora on this computer until `up`. Apps run on until the computer restarts.
import { addPlaceFlags, nodeOptions, terminalOf } from "./node-flags.ts";
import type { Verb } from "./verb.ts";

export const down: Verb = {
  define(command, invoke) {
    addPlaceFlags(command)
      .addHelpText("before", "Examples:\n  sudo fossora down\n")
      .addHelpText("after", "\nThe apps run on until this computer restarts; `fossora up` starts them again.\n")
      .action((flags: Parameters<typeof nodeOptions>[0]) =>
        invoke(async (ports) => (await ports.node()).down(nodeOptions(flags), terminalOf(ports))),
      );
  },
};
