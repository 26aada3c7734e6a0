// `invite`: a token for one more computer.
import type { InviteAnswer } from "../api/computers.ts";
import { EXIT } from "./failure.ts";
import { parseFormat, yaml } from "./print.ts";
import type { CliPorts, Verb } from "./verb.ts";

export const invite: Verb = {
  define(command, invoke) {
    command
      .option("-o, --output <format>", "json or yaml")
      .addHelpText("before", "Examples:\n  fossora invite\n  ssh pi4 sudo fossora join $(fossora invite -q)\n")
      .action((flags: { readonly output?: string }) => invoke((ports) => runInvite(flags.output, ports)));
  },
};

async function runInvite(output: string | undefined, ports: CliPorts): Promise<number> {
  const format = parseFormat(output);
  const answer = await ports.client.json<InviteAnswer>("POST", "/api/v1/invites");
  if (format.kind === "json") ports.stdout.line(JSON.stringify(answer, undefined, 2));
  else if (format.kind === "yaml") ports.stdout.line(await yaml(answer));
  else if (ports.quiet) ports.stdout.line(answer.token);
  else {
    ports.stderr.line("Run on the new computer (1 hour, one use):");
    ports.stdout.line(`sudo fossora join ${answer.token}`);
  }
  return EXIT.ok;
}
