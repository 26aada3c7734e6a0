// `npm run sim -- --seeds 10000 [--from 1]`: lives many houses through, and says how fast. `--seed N` lives one, and tells all of it.
// `--joining` before them: neighbourhoods of computers that become one house.
import { parseArgs } from "node:util";
import { runJoining } from "./joining/run.ts";
import { simulate } from "./simulation.ts";

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const args = process.argv.slice(2);
if (args.includes("--help")) {
  say("Usage: npm run sim -- [--joining] [--seeds N] [--from N] [--seed N]");
  say(
    "Lives --seeds simulated houses through, from seed --from on; --seed N lives one and tells all of it. Ctrl-C ends after the present one.",
  );
  say("--joining: neighbourhoods of computers that become one house instead.");
  process.exit();
}
if (args.includes("--joining")) {
  runJoining(args, say);
  process.exit();
}
const { values } = parseArgs({
  options: { seeds: { type: "string", default: "1000" }, from: { type: "string", default: "1" }, seed: { type: "string" } },
});
const first = Number(values.seed ?? values.from);
const count = values.seed === undefined ? Number(values.seeds) : 1;

const startedMs = performance.now();
let steps = 0;
let virtualMs = 0;
let changes = 0;
const failed: number[] = [];
let isEnding = false;
let lived = 0;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => (isEnding = true));
for (let seed = first; seed < first + count && !isEnding; seed++) {
  lived += 1;
  try {
    const run = await simulate(seed, { ...(values.seed !== undefined && { tell: say }) });
    steps += run.steps;
    virtualMs += run.virtualMs;
    changes += run.changes;
  } catch (error) {
    failed.push(seed);
    say(error instanceof Error ? error.message : String(error));
  }
}
const seconds = (performance.now() - startedMs) / 1000;
say(`${lived} seeds in ${seconds.toFixed(1)} s: ${(lived / seconds).toFixed(1)} seeds/s, ${Math.round(steps / seconds)} steps/s`);
say(
  `${(virtualMs / 3_600_000).toFixed(1)} hours lived, ${changes} changes, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(" ")}` : ""}`,
);
process.exitCode = failed.length > 0 ? 1 : 0;
