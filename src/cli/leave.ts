// `leave`: this computer belongs to its house no more. Its data stays.
import type { JoiningReport, LeaveAnswer } from "../api/computers.ts";
import { askLine } from "./ask.ts";
import { EXIT, Failure } from "./failure.ts";
import type { CliPorts, Verb } from "./verb.ts";
import { tellWhatGoesOn } from "./what-goes-on.ts";

/** It waits until the others have taken over its apps, and then its part in the store. */
const LEAVES_WITHIN_MS = 200_000;

export const leave: Verb = {
  define(command, invoke) {
    command
      .option("--confirm <node>", "in place of typing this node's name: --confirm=pi4")
      .option(
        "--force",
        "also while apps still stop here, and from a house that does not answer: that counts on this node until it is removed there",
      )
      .addHelpText("before", "Examples:\n  fossora leave\n  fossora leave --confirm=pi4\n")
      .action((flags: LeaveFlags) => invoke((ports) => runLeave(flags, ports)));
  },
};

interface LeaveFlags {
  readonly confirm?: string;
  readonly force?: boolean;
}

async function runLeave({ confirm: given, force = false }: LeaveFlags, ports: CliPorts): Promise<number> {
  const { node } = await ports.client.json<JoiningReport>("GET", "/api/v1/joining");
  const confirm = given ?? (await typed(node, ports));
  const body = JSON.stringify({ confirm, ...(force && { force: "1" }) });
  const words = `${node} stays in its house if its apps were still moving, and what has moved stays there; else it goes on leaving: fossora status`;
  const { stays } = await tellWhatGoesOn(words, ports, () =>
    ports.client.json<LeaveAnswer>("POST", "/api/v1/leaving", { body, timeoutMs: LEAVES_WITHIN_MS }),
  );
  ports.stdout.line(`node/${node} left`);
  if (ports.quiet) return EXIT.ok;
  for (const each of stays) ports.stderr.line(`  stays: ${each}`);
  ports.stderr.line(`${ports.stderr.colors.dim("next:")}  sudo fossora join TOKEN, or: sudo fossora up`);
  return EXIT.ok;
}

async function typed(node: string, ports: CliPorts): Promise<string> {
  const again = `fossora leave --confirm=${node}`;
  if (!ports.mayAsk) throw new Failure(EXIT.usage, `Nothing was changed: that ${node} is to leave its house has to be confirmed.`, again);
  ports.stderr.line(`The apps on ${node} move to the other computers as far as they can, and stop. Its data stays.`);
  const name = await askLine(`Type "${node}" to leave: `, ports);
  if (name !== node) throw new Failure(EXIT.usage, "Nothing was changed.", again);
  return name;
}
