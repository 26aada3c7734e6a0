// Each planted bug must be found, and be called what it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bugs, type Bug } from "./bugs.ts";
import { simulate } from "./simulation.ts";
import { SimulationFailure } from "./world.ts";

const SEEDS_MAX = 150;

for (const bug of bugs) test(`the simulator finds a node that ${bug.name}`, () => find(bug));

async function find({ wiring, finds }: Bug): Promise<void> {
  const others = new Set<string>();
  for (let seed = 1; seed <= SEEDS_MAX; seed++) {
    const found = await failure(seed, wiring);
    if (found !== undefined && finds.test(found)) return;
    if (found !== undefined) others.add(found);
  }
  assert.fail(`not found in ${SEEDS_MAX} seeds, but: ${[...others].join("; ")}`);
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
