import assert from "node:assert/strict";
import { test } from "node:test";
import { FENCE_AFTER_MS } from "../api/fence-times.ts";
import { Guard } from "./guard.ts";

test("what it was told of ends when neither its agent nor another node has told of a contact for long", () => {
  const guard = new Guard();
  assert.deepEqual([guard.told, guard.ending(1e9)], [undefined, []]);
  guard.tell({ containers: ["a"], contactAtMs: 1_000 }, 1_000);
  assert.deepEqual(guard.ending(1_000 + FENCE_AFTER_MS - 1), []);
  guard.contact(9_000, 9_500);
  assert.deepEqual(guard.ending(1_000 + FENCE_AFTER_MS), []);
  assert.deepEqual(guard.ending(9_000 + FENCE_AFTER_MS), ["a"]);
  guard.contact(50_000, 50_100);
  assert.deepEqual(guard.ending(50_200), []);
  assert.deepEqual(guard.told, { containers: ["a"], contactAtMs: 50_000 });
});

test("an old contact takes nothing from a young one, and none is in the future", () => {
  const guard = new Guard();
  guard.tell({ containers: ["a"], contactAtMs: 1_000 }, 1_000);
  guard.contact(10, 1_000);
  guard.contact(99_000, 2_000);
  assert.equal(guard.told?.contactAtMs, 2_000);
});

test("what another process holds from now on is not ended here any more", () => {
  const guard = new Guard();
  guard.tell({ containers: ["a"], contactAtMs: 1_000 }, 1_000);
  assert.deepEqual(guard.ending(1_000 + FENCE_AFTER_MS), ["a"]);
  guard.handOver();
  assert.deepEqual([guard.isIdle, guard.ending(2_000 + FENCE_AFTER_MS)], [true, []]);
});

test("what is promised anew does not end for the time in which nothing was, and what was told before it is nothing to go on from", () => {
  const guard = new Guard();
  guard.tell({ containers: ["a"], contactAtMs: 1_000 }, 1_000);
  guard.tell({ containers: [], contactAtMs: 6_000 }, 6_000);
  assert.deepEqual([guard.isIdle, guard.told], [true, undefined]);
  guard.tell({ containers: ["b"], contactAtMs: 100_000 }, 100_000);
  assert.deepEqual(guard.ending(100_200), []);
  assert.deepEqual(guard.ending(100_000 + FENCE_AFTER_MS), ["b"]);
});

test("a contact before anything was promised counts for nothing, also where it is long ago", () => {
  const guard = new Guard();
  guard.contact(10_000, 10_000);
  assert.equal(guard.told, undefined);
  guard.tell({ containers: ["a"], contactAtMs: 100_000 }, 100_000);
  assert.deepEqual(guard.ending(100_200), []);
});

test("what is promised on a contact that is too old ends at once", () => {
  const guard = new Guard();
  guard.tell({ containers: ["a"], contactAtMs: 1_000 }, 1_000 + FENCE_AFTER_MS);
  assert.deepEqual(guard.ending(1_000 + FENCE_AFTER_MS), ["a"]);
});
