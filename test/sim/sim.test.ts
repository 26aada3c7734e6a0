// Five hundred houses lived through: whatever befalls them, nothing happens that must not, and in the end each is what was asked for.
// In processes of their own: the test runner's hooks on promises would nearly double the time.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { simulate } from "./simulation.ts";

const SEEDS = 500;
/** Side by side. */
const PROCESSES = 2;
const SHOWN_CHARACTERS = 10_000;

interface Lived {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function live(seeds: number, from: number): Promise<Lived> {
  const args = [path.join(import.meta.dirname, "run.ts"), "--seeds", String(seeds), "--from", String(from)];
  return new Promise((resolve) => {
    execFile(process.execPath, args, { maxBuffer: 2 ** 28 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

test(`${SEEDS} seeds keep every invariant and converge`, async () => {
  const each = SEEDS / PROCESSES;
  const lived = await Promise.all(Array.from({ length: PROCESSES }, (_, index) => live(each, 1 + index * each)));
  for (const { code, stdout, stderr } of lived) {
    assert.equal(code, 0, `${stdout.slice(0, SHOWN_CHARACTERS)}\n${stderr}`);
    assert.match(stdout, new RegExp(`^${each} seeds in .* 0 failed$`, "ms"));
  }
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
