// Looks for each planted bug, seed by seed, and prints what the simulator says of it: one line of JSON a bug. In a process of its own, since
// the test runner slows it down.
import { SimulationFailure } from "../world.ts";
import { bugs, type Bug } from "./bugs.ts";
import { live } from "./life.ts";

const SEEDS_MAX = 400;

export interface Finding {
  readonly name: string;
  /** The first seed whose failure calls the bug what it is; absent: none did. */
  readonly seed?: number;
  readonly said: readonly string[];
}

function find({ name, parts, finds }: Bug): Finding {
  const others = new Set<string>();
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const said = failure(seed, parts);
    if (said !== undefined && finds.test(said)) return { name, seed, said: [said] };
    if (said !== undefined) others.add(said);
  }
  return { name, said: [...others] };
}

function failure(seed: number, parts: Bug["parts"]): string | undefined {
  try {
    live(seed, { parts });
    return undefined;
  } catch (error) {
    if (error instanceof SimulationFailure) return error.message.split("\n").slice(0, 3).join("\n");
    throw error;
  }
}

if (import.meta.main) for (const bug of bugs) process.stdout.write(`${JSON.stringify(find(bug))}\n`);
