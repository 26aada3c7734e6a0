// Two thousand neighbourhoods lived through: whatever befalls them, nothing happens that must not, and in the end each is one house.
// In a process of its own: the test runner slows it down.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { live } from "./life.ts";

const SEEDS = 2_000;
const SHOWN_CHARACTERS = 10_000;

test(`${SEEDS} neighbourhoods keep every invariant and become one house`, () => {
  const args = [path.join(import.meta.dirname, "../run.ts"), "--joining", "--seeds", String(SEEDS)];
  const { status, stdout, stderr } = spawnSync(process.execPath, args, { encoding: "utf8", maxBuffer: 2 ** 28 });
  assert.equal(status, 0, `${stdout.slice(0, SHOWN_CHARACTERS)}\n${stderr}`);
  assert.match(stdout, new RegExp(`^${SEEDS} seeds in .* 0 failed$`, "ms"));
});

test("one seed gives one life, line by line", () => {
  for (const seed of [1, 2, 3]) {
    const lines: string[] = [];
    const again: string[] = [];
    const one = live(seed, { tell: (line) => lines.push(line) });
    assert.deepEqual(one, live(seed, { tell: (line) => again.push(line) }));
    assert.deepEqual(lines, again);
    assert(lines.length > 10);
  }
});
