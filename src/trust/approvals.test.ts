import assert from "node:assert/strict";
import { test } from "node:test";
import { findNewcomers, mayWait, type Newcomer } from "./approvals.ts";

const newcomer = (nodeId: string, name = "nas"): Newcomer => ({
  nodeId,
  name,
  address: "192.168.1.9",
  words: `boss exhaust conduct avocado material ${nodeId}`,
  approved: false,
});
const five = ["a", "b", "c", "d", "e"].map((nodeId) => newcomer(nodeId));

test("five may wait, the sixth is told so, and who waits already is known", () => {
  assert.deepEqual(mayWait(five.slice(1), { nodeId: "f", fromItsSource: 0 }), { kind: "waits" });
  assert.equal(mayWait(five, { nodeId: "f", fromItsSource: 0 }).kind, "refused");
  assert.deepEqual(mayWait(five, { nodeId: "c", fromItsSource: 5, sinceLastMs: 0 }), { kind: "known", newcomer: newcomer("c") });
});

test("two may wait of one source, so that it cannot keep all places", () => {
  assert.deepEqual(mayWait([], { nodeId: "f", fromItsSource: 1 }), { kind: "waits" });
  assert.equal(mayWait([], { nodeId: "f", fromItsSource: 2 }).kind, "refused");
});

test("one that a person said no to does not wait, and takes nobody's place", () => {
  const rejected = { ...newcomer("e"), rejected: true } as const;
  const four = [...five.slice(0, 4), rejected];
  const said = mayWait(four, { nodeId: "e", fromItsSource: 0 });
  assert.deepEqual([said.kind, said.kind === "refused" && /said no/.test(said.why)], ["refused", true]);
  assert.deepEqual(mayWait(four, { nodeId: "f", fromItsSource: 0 }), { kind: "waits" });
});

test("one newcomer a minute from an address", () => {
  assert.equal(mayWait([], { nodeId: "a", fromItsSource: 0, sinceLastMs: 59_000 }).kind, "refused");
  assert.deepEqual(mayWait([], { nodeId: "a", fromItsSource: 0, sinceLastMs: 60_000 }), { kind: "waits" });
});

test("a newcomer is meant by its name, its id or its words, and two of one name are both found", () => {
  const waiting = [newcomer("a"), newcomer("b"), newcomer("c", "attic")];
  const found = (typed: string): readonly string[] => findNewcomers(waiting, typed).map(({ nodeId }) => nodeId);
  assert.deepEqual(found("attic"), ["c"]);
  assert.deepEqual(found("NAS"), ["a", "b"]);
  assert.deepEqual(found("b"), ["b"]);
  assert.deepEqual(found("Boss exhaust conduct,  avocado material a"), ["a"]);
  assert.deepEqual(found("boss"), []);
});
