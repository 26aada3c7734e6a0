// `stopping`: tells the node that its machine is about to stop, and waits until its apps are handed over: for what logind does not tell, such
// as the script of an uninterruptible power supply.
import type { HandedOver } from "../api/moves.ts";
import { EXIT } from "./failure.ts";
import { addDuration } from "./options.ts";
import type { CliPorts, Verb } from "./verb.ts";
import { tellWhatGoesOn } from "./what-goes-on.ts";

interface Flags {
  readonly within: number;
  readonly cancel?: boolean;
}

const ANSWER_MS = 10_000;
const GOES_ON = "This computer goes on handing its apps over; to take that back: fossora stopping --cancel";
const UNDECIDED = "nothing could be decided: the house's store does not answer, and what runs here has not moved";

export const stopping: Verb = {
  define(command, invoke) {
    addDuration(command, "--within <duration>", "how long the machine waits", "30s")
      .option("--cancel", "the machine goes on after all")
      .addHelpText("before", "Examples:\n  fossora stopping; poweroff\n  fossora stopping --within 1m\n  fossora stopping --cancel\n")
      .action((flags: Flags) => invoke((ports) => (flags.cancel === true ? cancel(ports) : runStopping(flags, ports))));
  },
};

async function runStopping({ within }: Flags, ports: CliPorts): Promise<number> {
  const body = JSON.stringify({ withinMs: String(within) });
  const { left, stays, undecided } = await tellWhatGoesOn(GOES_ON, ports, () =>
    ports.client.json<HandedOver>("POST", "/api/v1/stopping", { body, timeoutMs: within + ANSWER_MS }),
  );
  const isOver = left.length === 0 && undecided === undefined;
  if (undecided) ports.stderr.line(`${ports.stderr.marks.warn} ${UNDECIDED}`);
  for (const instance of left) ports.stderr.line(`${ports.stderr.marks.warn} ${instance} is still here`);
  if (!ports.quiet) for (const instance of stays) ports.stderr.line(`  ${instance} waits for this computer`);
  ports.stdout.line(isOver ? "handed over" : "not all is handed over");
  return isOver ? EXIT.ok : EXIT.timeout;
}

async function cancel(ports: CliPorts): Promise<number> {
  await ports.client.json("DELETE", "/api/v1/stopping");
  ports.stdout.line("it goes on");
  return EXIT.ok;
}
