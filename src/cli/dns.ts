// `dns`: does every name lead to the house, and what to do elsewhere so that it does.
import { Argument, type Command } from "commander";
import { runDnsCheck, type CheckFlags } from "./dns-check.ts";
import { findFacts, type FactFlags } from "./dns-facts.ts";
import { SETUP_WORDS, setupText, type SetupWord } from "./dns-setup.ts";
import { EXIT } from "./failure.ts";
import { collect } from "./options.ts";
import { addGlobalFlags } from "./program.ts";
import type { CliPorts, Verb } from "./verb.ts";

export const dns: Verb = {
  define(command, invoke) {
    command.addHelpText(
      "before",
      "Examples:\n  fossora dns check\n  fossora dns check jellyfin --server 192.168.1.10\n  fossora dns setup router\n",
    );
    addServerFlags(command.command("check"))
      .description("Ask the house's servers, this computer's resolver, the tailnet and the LAN; exit 1 if anything is wrong.")
      .argument("[app]", "whose name to ask for; default the first app that is ready")
      .option("-o, --output <format>", "json or yaml")
      .action((app: string | undefined, flags: CheckFlags) => invoke((ports) => runDnsCheck(app, flags, ports)));
    addServerFlags(command.command("setup"))
      .description("What to do in the tailnet, the router, Pi-hole and others, with the addresses of now.")
      .addArgument(new Argument("[where]", "default all of them").choices(SETUP_WORDS))
      .action((where: SetupWord | undefined, flags: FactFlags) => invoke((ports) => runDnsSetup(where, flags, ports)));
  },
};

async function runDnsSetup(where: SetupWord | undefined, flags: FactFlags, ports: CliPorts): Promise<number> {
  const facts = await findFacts(flags, ports, await ports.dns());
  for (const line of setupText(facts, where === undefined ? SETUP_WORDS : [where])) ports.stdout.line(line);
  return EXIT.ok;
}

function addServerFlags(command: Command): Command {
  addGlobalFlags(command);
  return command
    .option("--server <address[:port]>", "a computer of the house, where no node runs here (repeatable)", collect)
    .option("--zone <name>", "default the house's own, or home.internal");
}
