// `up`: this computer becomes a node, for good.
import { addDuration } from "./options.ts";
import { addNodeFlags, nodeOptions, terminalOf } from "./node-flags.ts";
import type { Verb } from "./verb.ts";

const READY_WITHIN = "2m";

export const up: Verb = {
  define(command, invoke) {
    addNodeFlags(command);
    addDuration(command, "--timeout <duration>", "how long the node may take until it is ready", READY_WITHIN)
      .option("--open-firewall", "let other computers and the apps through this computer's firewall")
      .addHelpText("before", "Examples:\n  sudo fossora up\n  sudo fossora up --node-name nas\n")
      .action((flags: Parameters<typeof nodeOptions>[0] & { readonly timeout: number; readonly openFirewall?: boolean }) =>
        invoke(async (ports) =>
          (await ports.node()).up(
            { ...nodeOptions(flags), timeoutMs: flags.timeout, openFirewall: flags.openFirewall === true },
            terminalOf(ports),
          ),
        ),
      );
  },
};
