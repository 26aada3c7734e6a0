// `supervise`: keeps an agent running where there is no systemd. `up` starts it; nobody types it.
import { addNodeFlags, nodeOptions, terminalOf } from "./node-flags.ts";
import type { Verb } from "./verb.ts";

export const supervise: Verb = {
  define(command, invoke) {
    addNodeFlags(command).action((flags: Parameters<typeof nodeOptions>[0]) =>
      invoke(async (ports) => (await ports.node()).supervise(nodeOptions(flags), terminalOf(ports))),
    );
  },
};
