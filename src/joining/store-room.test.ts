import assert from "node:assert/strict";
import { test } from "node:test";
import { planRoom, type MemberRoom } from "./store-room.ts";

const MAX = 1_000;
const room = (id: string, bytes: number, inUseBytes: number, more: Partial<MemberRoom> = {}): MemberRoom => ({
  id,
  learner: false,
  bytes,
  inUseBytes,
  isFull: false,
  ...more,
});

const plan = (
  answering: readonly MemberRoom[],
  voters = answering.filter(({ learner }) => !learner).length,
  since: { readonly compacted: boolean; readonly anew: ReadonlySet<string> } = { compacted: false, anew: new Set() },
): string => {
  const step = planRoom({ answering, leaderId: "a", voters, bytesMax: MAX, ...since });
  return step === undefined ? "nothing" : "memberId" in step ? `${step.kind} ${step.memberId}` : step.kind;
};

test("a file is written anew once it is large and half of it free", () => {
  assert.equal(plan([room("a", 500, 250)]), "defragment a");
  assert.equal(plan([room("a", 499, 10)]), "nothing");
  assert.equal(plan([room("a", 900, 451)]), "nothing");
});

test("one member at a time, the leader last and after handing over", () => {
  const large = (id: string, more: Partial<MemberRoom> = {}): MemberRoom => room(id, 600, 100, more);
  const small = (id: string): MemberRoom => room(id, 100, 100);
  assert.equal(plan([large("a"), large("b"), large("c")]), "defragment b");
  assert.equal(plan([large("a"), large("b"), large("c"), large("d", { learner: true })]), "defragment d");
  assert.equal(plan([large("a"), small("b"), large("c")]), "defragment c");
  assert.equal(plan([large("a"), small("b"), small("c")]), "move-leader b");
  assert.equal(plan([large("a"), room("d", 100, 100, { learner: true })]), "defragment a");
});

test("nobody pauses whose vote is needed", () => {
  const large = room("b", 600, 100);
  assert.equal(plan([room("a", 100, 100), large], 3), "nothing");
  assert.equal(plan([room("a", 100, 100), large], 2), "nothing");
  assert.equal(plan([room("a", 600, 100), room("b", 100, 100)], 3), "nothing");
  assert.equal(plan([room("a", 100, 100), room("b", 600, 100, { learner: true })], 3), "defragment b");
});

test("a full store forgets what was, writes its files anew, and takes writes again", () => {
  const full = { isFull: true };
  assert.equal(plan([room("a", 1_000, 990, full)]), "compact");
  assert.equal(plan([room("a", 1_000, 700, full)]), "defragment a");
  assert.equal(plan([room("a", 700, 700, full)]), "disarm");
  assert.equal(plan([room("a", 700, 700, full), room("b", 900, 800)]), "compact");
  assert.equal(plan([room("a", 800, 700, full)]), "compact", "it would be full again at once");
});

test("what a compaction freed may not be counted: each file of a full store is written anew once", () => {
  const [a, b] = [room("a", 1_000, 990, { isFull: true }), room("b", 900, 890)];
  assert.equal(plan([a], 1, { compacted: true, anew: new Set() }), "defragment a");
  assert.equal(plan([a], 1, { compacted: true, anew: new Set(["a"]) }), "compact");
  assert.equal(plan([{ ...a, isFull: false }], 1, { compacted: true, anew: new Set() }), "nothing");
  assert.equal(plan([a, b, room("c", 100, 100)], 3, { compacted: true, anew: new Set() }), "defragment b");
});
