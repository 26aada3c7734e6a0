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
  assert.deepEqual(mayWait(five.slice(1), "f", undefined), { kind: "waits" });
  assert.equal(mayWait(five, "f", undefined).kind, "refused");
  assert.deepEqual(mayWait(five, "c", 0), { kind: "known", newcomer: newcomer("c") });
});

test("one newcomer a minute from an address", () => {
  assert.equal(mayWait([], "a", 59_000).kind, "refused");
  assert.deepEqual(mayWait([], "a", 60_000), { kind: "waits" });
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
