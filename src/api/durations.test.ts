import assert from "node:assert/strict";
import { test } from "node:test";
import { durationMs, parseDuration } from "./durations.ts";

test("durations are sums of their parts", () => {
  assert.deepEqual(
    ["500ms", "30s", "5m", "1h30m", "7d", "0", "1.5s"].map(parseDuration),
    [500, 30_000, 300_000, 5_400_000, 604_800_000, 0, 1500],
  );
});

test("no duration is longer than the longest that may be written", () => {
  assert.deepEqual(["24d", "25d", "50d", `${"9".repeat(30)}d`].map(durationMs), new Array(4).fill(24 * 86_400_000));
});

test("what is no duration is undefined, and never stored", () => {
  assert.deepEqual(["", "30", "s", "-1s", "5 m", "1y", "1h-30m"].map(parseDuration), new Array(7).fill(undefined));
  assert.throws(() => durationMs("soon"), /'30s'/);
});
