import assert from "node:assert/strict";
import { test } from "node:test";
import { displayWidth, formatTable } from "./table.ts";

test("columns are as wide as their widest cell, two spaces apart, without trailing space", () => {
  assert.deepEqual(
    formatTable([
      ["NAME", "AGE", "NOTE"],
      ["jellyfin", "9d", ""],
      ["a", "2m", "x"],
    ]),
    ["NAME      AGE  NOTE", "jellyfin  9d", "a         2m   x"],
  );
});

test("colours take no room, wide letters two", () => {
  assert.equal(displayWidth("\u001b[31mred\u001b[39m"), 3);
  assert.equal(displayWidth("写真"), 4);
  assert.deepEqual(
    formatTable([
      ["写真", "x"],
      ["\u001b[1mab\u001b[22m", "y"],
    ]),
    ["写真  x", "\u001b[1mab\u001b[22m    y"],
  );
});
