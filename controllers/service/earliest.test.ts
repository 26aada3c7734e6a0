import assert from "node:assert/strict";
import { test } from "node:test";
import { earliest } from "./earliest.ts";

test("earliest() is the shortest wait of all, or none", () => {
  assert.equal(earliest([undefined, 500, 20]), 20);
  assert.equal(earliest([undefined]), undefined);
  assert.equal(earliest([]), undefined);
});
