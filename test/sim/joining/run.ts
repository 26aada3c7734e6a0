// `npm run sim -- --joining --seeds 10000 [--from 1]`: lives many neighbourhoods through. `--seed N` lives one, and tells all of it.
import { parseArgs } from "node:util";
import { live } from "./life.ts";

const SHOWN_MAX = 20;

/** Sets the exit code. */
export function runJoining(args: readonly string[], say: (line: string) => void): void {
  const { values } = parseArgs({
    args: [...args],
    options: {
      joining: { type: "boolean" },
      seeds: { type: "string", default: "2000" },
      from: { type: "string", default: "1" },
      seed: { type: "string" },
    },
  });
  const first = Number(values.seed ?? values.from);
  const count = values.seed === undefined ? Number(values.seeds) : 1;
  const startedMs = performance.now();
  let steps = 0;
  let virtualMs = 0;
  const failed: number[] = [];
  for (let seed = first; seed < first + count; seed++) {
    try {
      const run = live(seed, values.seed === undefined ? {} : { tell: say });
      steps += run.steps;
      virtualMs += run.virtualMs;
    } catch (error) {
      failed.push(seed);
      if (failed.length <= SHOWN_MAX) say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
  }
  const seconds = (performance.now() - startedMs) / 1000;
  say(`${count} seeds in ${seconds.toFixed(1)} s: ${(count / seconds).toFixed(1)} seeds/s, ${Math.round(steps / seconds)} steps/s`);
  say(`${(virtualMs / 3_600_000).toFixed(1)} hours lived, ${failed.length} failed${failed.length > 0 ? `: ${failed.join(" ")}` : ""}`);
  process.exitCode = failed.length > 0 ? 1 : 0;
}
