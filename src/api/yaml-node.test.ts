import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeOf, plainValue } from "./yaml-node.ts";

test("a value as a node is that value again", () => {
  const value = { a: [1, "x", null, true], b: {} };
  assert.deepEqual(plainValue(nodeOf(value, { start: 3, end: 4 })), value);
});

test("all of a value made from one place stands there", () => {
  const node = nodeOf({ a: [1] }, { start: 3, end: 4 });
  assert.ok(node.kind === "mapping");
  const list = node.entries.get("a")?.value;
  assert.deepEqual([list?.start, list?.end, list?.kind === "sequence" && list.items[0]?.start], [3, 4, 3]);
});
