// `join`: this computer becomes a node of a house that is there already. Where no node runs yet, one is started first.
import type { JoiningReport, JoinWish } from "../api/computers.ts";
import type { HouseSummary } from "../api/wire.ts";
import { NotRunning } from "./client.ts";
import { EXIT, Failure } from "./failure.ts";
import { JoiningSteps, lateWords } from "./joining-steps.ts";
import { addNodeFlags, nodeOptions, terminalOf, typedNodeFlags } from "./node-flags.ts";
import { addDuration } from "./options.ts";
import { tellWhatGoesOn } from "./what-goes-on.ts";
import type { CliPorts, Verb } from "./verb.ts";

type Flags = Parameters<typeof nodeOptions>[0] & { readonly timeout: number; readonly openFirewall?: boolean };

const LOOK_EVERY_MS = 200;
/** A node that restarts meanwhile is back soon. */
const SILENT_MAX_MS = 20_000;

export const join: Verb = {
  define(command, invoke) {
    command.argument("<token|address...>", "what `fossora invite` printed, or where a computer of the house answers");
    addNodeFlags(command);
    addDuration(command, "--timeout <duration>", "how long to wait until this computer is a member", "5m")
      .option("--open-firewall", "let other computers and the apps through this computer's firewall")
      .addHelpText(
        "before",
        "Examples:\n  sudo fossora join fsr1.k3fq…   what `fossora invite` printed on a computer of the house\n  sudo fossora join 192.168.1.10   then there: fossora node approve\n",
      )
      .addHelpText("after", "\nFlags of a node are for one that this starts; change one that runs with `fossora up` first.\n")
      .action((words: readonly string[], flags: Flags) => {
        const typed = [...typedNodeFlags(command), ...(flags.openFirewall === true ? ["--open-firewall"] : [])];
        return invoke((ports) => runJoin(readWish(words), { flags, typed }, ports));
      });
  },
};

function readWish(words: readonly string[]): JoinWish {
  const isToken = (word: string): boolean => /^fsr\d*\./i.test(word);
  const [token, ...more] = words.filter(isToken);
  if (more.length > 0)
    throw new Failure(EXIT.usage, "Cannot join: more than one token was given, each is for a computer of its own.", "fossora join --help");
  const addresses = words.filter((word) => !isToken(word));
  return { addresses, ...(token !== undefined && { token }) };
}

interface Asked {
  readonly flags: Flags;
  /** Those that say how a node is to run. */
  readonly typed: readonly string[];
}

async function runJoin(wish: JoinWish, { flags, typed }: Asked, ports: CliPorts): Promise<number> {
  const startedAtMs = ports.now();
  try {
    if (typed.length > 0) {
      await ports.client.json<JoiningReport>("GET", "/api/v1/joining");
      throw runsAlready(typed);
    }
    const report = await ports.client.json<JoiningReport>("POST", "/api/v1/joining", { body: JSON.stringify(wish) });
    if (isMember(report)) return await sayJoined(report, `this computer belongs to that house already, as '${report.node}'`, ports);
  } catch (error) {
    if (!(error instanceof NotRunning)) throw error;
    const options = { ...nodeOptions(flags), timeoutMs: flags.timeout, openFirewall: flags.openFirewall === true, wish };
    return (await ports.node()).up(options, terminalOf(ports));
  }
  const words = "This computer goes on asking to be let in: fossora status";
  return tellWhatGoesOn(words, ports, () => followJoining(ports, startedAtMs + flags.timeout));
}

/** It would join as it was started before, and nobody would hear that the flags were not heeded. */
function runsAlready(typed: readonly string[]): Failure {
  const flags = typed.join(" ");
  return new Failure(
    EXIT.usage,
    `Cannot join with ${flags}: a node runs here already, and how it runs is said to \`fossora up\`.`,
    `sudo fossora up ${flags}, then the same again without ${typed.length === 1 ? "this flag" : "these flags"}`,
  );
}

/** Says each step until this computer is a member. */
async function followJoining(ports: CliPorts, untilMs: number): Promise<number> {
  const steps = new JoiningSteps(terminalOf(ports));
  let heardAtMs = ports.now();
  for (;;) {
    const report = await ports.client.json<JoiningReport>("GET", "/api/v1/joining").catch((error: unknown) => {
      if (!(error instanceof Failure) || ports.now() - heardAtMs > SILENT_MAX_MS) throw error;
      return undefined;
    });
    if (report !== undefined) {
      heardAtMs = ports.now();
      steps.tell(report);
      if (isMember(report)) return sayJoined(report, `joined as '${report.node}'`, ports);
      if (report.phase === "refused") throw refused(report);
    }
    if (ports.now() >= untilMs) throw late(report);
    await ports.sleep(LOOK_EVERY_MS, ports.interrupted);
  }
}

/** Of the house that was asked for. */
function isMember({ phase, wish }: JoiningReport): boolean {
  return phase === "member" && wish === undefined;
}

async function sayJoined(report: JoiningReport, words: string, ports: CliPorts): Promise<number> {
  const { stderr } = ports;
  stderr.line(`${stderr.marks.ok} ${words}`);
  // It is a member, whether its copy of the house is there yet or not.
  const summary = await ports.client.json<HouseSummary>("GET", "/api/v1/status").catch(() => undefined);
  if (summary?.house !== undefined) stderr.line(`Survives ${summary.house.survives}`);
  ports.stdout.line(`node/${report.node} joined`);
  return EXIT.ok;
}

function refused({ said }: JoiningReport): Failure {
  return new Failure(
    EXIT.failed,
    said.at(-1) ?? "The house does not let this computer in.",
    "fossora invite, on a computer of the house; then here: sudo fossora join TOKEN",
  );
}

function late(report: JoiningReport | undefined): Failure {
  const { message, next } = lateWords(report);
  return new Failure(EXIT.timeout, message, next);
}
