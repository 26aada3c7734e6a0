// `takeover`: the standby goes on with the house alone, when the computer that kept its state is gone for good.
import type { MissingVoter, TakeoverAnswer, TakeoverReport } from "../api/takeover.ts";
import { span } from "./age.ts";
import { askLine } from "./ask.ts";
import { EXIT, Failure } from "./failure.ts";
import type { CliPorts, Verb } from "./verb.ts";

interface Flags {
  readonly yes?: boolean;
  readonly ignoreAddress?: boolean;
}

/** It looks for the other computers, and makes the store anew. */
const TAKES_WITHIN_MS = 180_000;

export const takeover: Verb = {
  define(command, invoke) {
    command
      .option("--yes", "do not ask")
      .option("--ignore-address", "another computer has the address of the one that is gone")
      .addHelpText("before", "Examples:\n  fossora takeover\n  fossora takeover --yes\n")
      .action((flags: Flags) => invoke((ports) => runTakeover(flags, ports)));
  },
};

async function runTakeover(flags: Flags, ports: CliPorts): Promise<number> {
  const query = { ignoreAddress: flags.ignoreAddress === true ? "1" : undefined };
  const report = await ports.client.json<TakeoverReport>("GET", "/api/v1/takeover", { query });
  const { refused } = report;
  if (refused !== undefined) throw new Failure(EXIT.conflict, `Cannot take the house over: ${refused.reason}.`, refused.next);
  for (const line of told(report)) ports.stderr.line(line);
  if (flags.yes !== true) await confirm(report, flags, ports);
  const answer = await ports.client.json<TakeoverAnswer>("POST", "/api/v1/takeover", { query, timeoutMs: TAKES_WITHIN_MS });
  ports.stdout.line(`node/${answer.node} has taken the house over (epoch ${answer.epoch})`);
  if (!ports.quiet) ports.stderr.line(`${ports.stderr.colors.dim("next:")}  fossora status`);
  return EXIT.ok;
}

function told({ voters, lastHeardMs, warnings }: TakeoverReport): readonly string[] {
  const them = voters.map(({ name }) => name).join(" and ");
  const lost =
    lastHeardMs === undefined
      ? `This computer does not know how old its copy of the house is. What it lacks is lost, and nobody can say what that is.`
      : `The newest that this computer has of the house is from ${span(lastHeardMs)} ago. What was written on ${them} since is lost, and nobody can say what that was.`;
  return [...voters.map(silent), lost, ...warnings];
}

function silent({ name, answersAt }: MissingVoter): string {
  const address = answersAt === undefined ? "nothing answers at its address" : `another computer answers at ${answersAt}`;
  return `${name}: its agent is silent, its store is silent, ${address}.`;
}

async function confirm({ node }: TakeoverReport, flags: Flags, ports: CliPorts): Promise<void> {
  const again = `fossora takeover --yes${flags.ignoreAddress === true ? " --ignore-address" : ""}`;
  if (!ports.mayAsk) throw new Failure(EXIT.usage, "Nothing was changed: that the house is to be taken over has to be confirmed.", again);
  const name = await askLine(`Type "${node}" to go on with the house on this computer: `, ports);
  if (name !== node) throw new Failure(EXIT.usage, "Nothing was changed.", again);
}
