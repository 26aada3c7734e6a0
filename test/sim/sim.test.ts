// Three hundred houses lived through: whatever befalls them, nothing happens that must not, and in the end each is what was asked for.
import assert from "node:assert/strict";
import { test } from "node:test";
import { simulate } from "./simulation.ts";

const SEEDS = 300;
const SEEDS_A_TEST = 50;

for (let first = 1; first <= SEEDS; first += SEEDS_A_TEST) {
  test(`seeds ${first} to ${first + SEEDS_A_TEST - 1} keep every invariant and converge`, async () => {
    for (let seed = first; seed < first + SEEDS_A_TEST; seed++) await simulate(seed);
  });
}

test("one seed gives one run, bit by bit", async () => {
  for (const seed of [1, 2, 3]) {
    const lines: string[] = [];
    const again: string[] = [];
    const one = await simulate(seed, { tell: (line) => lines.push(line) });
    const other = await simulate(seed, { tell: (line) => again.push(line) });
    assert.deepEqual(lines, again);
    assert.deepEqual(one, other);
    assert(one.changes > 10, `only ${one.changes} changes in seed ${seed}`);
  }
});

test("another seed gives another run", async () => {
  assert.notEqual((await simulate(4)).fingerprint, (await simulate(5)).fingerprint);
});
