// Looks for each planted bug, seed by seed, and prints what the simulator says of it: one line of JSON a bug. Apart from its test, because
// the test runner's hooks on promises would nearly double the time.
import { bugs, type Bug } from "./bugs.ts";
import { simulate } from "./simulation.ts";
import { SimulationFailure } from "./world.ts";

const SEEDS_MAX = 300;

export interface Finding {
  readonly name: string;
  /** The bug's own seed, or the first one, whose failure calls it what it is; absent: none did. */
  readonly seed?: number;
  /** What was said, of that seed or of the others. */
  readonly said: readonly string[];
}

async function find({ name, wiring, finds, seed: likely = 1 }: Bug): Promise<Finding> {
  const others = new Set<string>();
  for (const seed of new Set([likely, ...Array.from({ length: SEEDS_MAX }, (_, index) => index + 1)])) {
    const said = await failure(seed, wiring);
    if (said !== undefined && finds.test(said)) return { name, seed, said: [said] };
    if (said !== undefined) others.add(said);
  }
  return { name, said: [...others] };
}

async function failure(seed: number, wiring: Bug["wiring"]): Promise<string | undefined> {
  try {
    await simulate(seed, { wiring });
    return undefined;
  } catch (error) {
    if (error instanceof SimulationFailure) return error.message.split("\n").slice(0, 3).join("\n");
    throw error;
  }
}

if (import.meta.main) for (const bug of bugs) process.stdout.write(`${JSON.stringify(await find(bug))}\n`);
