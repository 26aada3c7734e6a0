// `rebalance`: evens the load of the house's computers out by a few moves, once they are confirmed. Nothing moves by itself otherwise.
import type { RebalanceAnswer } from "../api/moves.ts";
import type { ObjectList } from "../api/wire.ts";
import { stopwatch } from "./age.ts";
import { askLine } from "./ask.ts";
import { EXIT, Failure } from "./failure.ts";
import { addOutput, sayOutcome, type OutputFlag } from "./json-output.ts";
import { addDuration } from "./options.ts";
import { formatTable } from "./table.ts";
import type { CliPorts, Verb } from "./verb.ts";
import { tellWhatGoesOn } from "./what-goes-on.ts";

interface Flags extends OutputFlag {
  readonly yes?: boolean;
  readonly dryRun?: boolean;
  readonly wait: boolean;
  readonly timeout: number;
}

const LOOK_EVERY_MS = 500;
const GO_ON = "The moves go on, and are not taken back: fossora get instances";

export const rebalance: Verb = {
  define(command, invoke) {
    command
      .option("--yes", "do not ask")
      .option("--dry-run", "only show what would move")
      .option("--no-wait", "do not wait until all of it has moved");
    addDuration(addOutput(command), "--timeout <duration>", "how long to wait", "10m")
      .addHelpText("before", "Examples:\n  fossora rebalance --dry-run\n  fossora rebalance --yes\n")
      .addHelpText("after", "\nWhat has data or must not run twice never moves.")
      .action((flags: Flags) => invoke((ports) => runRebalance(flags, ports)));
  },
};

async function runRebalance({ yes = false, dryRun = false, wait, timeout, output }: Flags, ports: CliPorts): Promise<number> {
  const path = "/api/v1/rebalance";
  const answer = await ports.client.json<RebalanceAnswer>("GET", path);
  const { moves } = answer;
  if (output === "json") ports.stdout.line(JSON.stringify(answer, undefined, 2));
  if (moves.length === 0) {
    if (output !== "json") ports.stdout.line("nothing to move: no few moves would make the load more even");
    return EXIT.ok;
  }
  const rows = formatTable(moves.map(({ instance, from, to = "", why }) => [instance, `${from} to ${to}`, why]));
  if (output !== "json") for (const row of rows) (dryRun ? ports.stdout : ports.stderr).line(row);
  if (dryRun) return EXIT.ok;
  if (!yes) await confirm(moves.length, ports);
  const begun = await ports.client.json<RebalanceAnswer>("POST", path, { body: JSON.stringify({ moves }) });
  const old = new Set(begun.moves.map(({ instance }) => instance));
  if (wait) await tellWhatGoesOn(GO_ON, ports, () => untilGone(old, timeout, ports));
  sayOutcome(`${begun.moves.length} of ${moves.length} ${wait ? "moved" : "move"}`, output === "json", ports);
  return begun.moves.length === moves.length ? EXIT.ok : EXIT.conflict;
}

async function confirm(count: number, ports: CliPorts): Promise<void> {
  const again = "fossora rebalance --yes";
  if (!ports.mayAsk) throw new Failure(EXIT.usage, "Nothing was changed: the moves have to be confirmed.", again);
  const answer = await askLine(`Move ${count === 1 ? "it" : `these ${count}`}? Each starts there before it stops here. [y/N] `, ports);
  if (!/^y(es)?$/i.test(answer ?? "")) throw new Failure(EXIT.usage, "Nothing was changed.", again);
}

/** An instance that has moved is another one. */
async function untilGone(old: ReadonlySet<string>, timeoutMs: number, ports: CliPorts): Promise<void> {
  const beganMs = ports.now();
  for (let left = old; left.size > 0;) {
    const { items } = await ports.client.json<ObjectList>("GET", "/api/v1/instances");
    const there = new Set(items.map(({ metadata }) => metadata.name));
    for (const instance of left)
      if (!there.has(instance) && !ports.quiet)
        ports.stderr.line(`${ports.stderr.marks.ok} ${instance} moved  ${stopwatch(ports.now() - beganMs)}`);
    left = new Set([...left].filter((instance) => there.has(instance)));
    if (left.size > 0 && ports.now() - beganMs >= timeoutMs)
      throw new Failure(
        EXIT.timeout,
        `${[...left].join(" and ")} did not move within ${timeoutMs / 1000} s, and still may.`,
        "fossora get instances",
      );
    if (left.size > 0) await ports.sleep(LOOK_EVERY_MS, ports.interrupted);
  }
}
