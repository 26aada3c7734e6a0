import assert from "node:assert/strict";
import { test } from "node:test";
import { formatSize, parseSize, sizeBytes } from "./sizes.ts";

test("upper-case letters count as everywhere, lower-case ones as in compose", () => {
  assert.deepEqual(
    ["1024", "512Mi", "2Gi", "100M", "64m", "1gb", "0.5Gi", "8b"].map(parseSize),
    [1024, 536_870_912, 2_147_483_648, 1e8, 67_108_864, 1_073_741_824, 536_870_912, 8],
  );
});

test("what is no size is undefined, and never stored", () => {
  assert.deepEqual(["", "Mi", "-1", "5 Mi", "1mi", "1e9", "toString"].map(parseSize), new Array(7).fill(undefined));
  assert.throws(() => sizeBytes("much"), /'512Mi'/);
});

test("sizes are shown in the unit that keeps them short", () => {
  assert.deepEqual([0, 512, 1536, 536_870_912, 33_554_432_000].map(formatSize), ["0", "512", "1.5Ki", "512Mi", "31Gi"]);
});
