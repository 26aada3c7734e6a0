// `agent`: a node in the foreground. Everything it does is the agent's own.
import { addNodeFlags, nodeOptions, terminalOf } from "./node-flags.ts";
import type { Verb } from "./verb.ts";

export const agent: Verb = {
  define(command, invoke) {
    addNodeFlags(command)
      .addHelpText("before", "Examples:\n  sudo fossora agent\n  fossora agent --data-dir ~/fossora --listen 8080 --dns-port 5354\n")
      .action((flags: Parameters<typeof nodeOptions>[0]) =>
        invoke(async (ports) => (await ports.node()).agent(nodeOptions(flags), terminalOf(ports))),
      );
  },
};
