// Three hundred houses lived through: whatever befalls them, nothing happens that must not, and in the end each is what was asked for.
// In a process of its own: the test runner's hooks on promises would nearly double the time.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { simulate } from "./simulation.ts";

const SEEDS = 300;
const SHOWN_CHARACTERS = 10_000;

test(`${SEEDS} seeds keep every invariant and converge`, () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [path.join(import.meta.dirname, "run.ts"), "--seeds", String(SEEDS)], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  assert.equal(status, 0, `${stdout.slice(0, SHOWN_CHARACTERS)}\n${stderr}`);
  assert.match(stdout, new RegExp(`^${SEEDS} seeds in .* 0 failed$`, "ms"));
});

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
