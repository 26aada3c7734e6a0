import assert from "node:assert/strict";
import { test } from "node:test";
import { age, binaryBytes, bytes, stopwatch } from "./age.ts";

test("ages show their largest unit, and a clock that is behind shows none below zero", () => {
  const now = Date.parse("2026-01-10T00:00:00Z");
  assert.deepEqual(
    [
      "2026-01-01T00:00:00Z",
      "2026-01-09T22:00:00Z",
      "2026-01-09T23:58:00Z",
      "2026-01-09T23:59:42Z",
      "2026-01-11T00:00:00Z",
      "?",
      undefined,
    ].map((time) => age(time, now)),
    ["9d", "2h", "2m", "18s", "0s", "-", "-"],
  );
});

test("amounts are short", () => {
  assert.deepEqual([0, 999, 1_500, 312_000_000, 4_400_000_000].map(bytes), ["0 B", "999 B", "1.5 kB", "312 MB", "4.4 GB"]);
  assert.deepEqual([8 * 2 ** 30, 512 * 2 ** 20, undefined].map(binaryBytes), ["8Gi", "512Mi", "-"]);
  assert.deepEqual([0, 18_449, 125_000].map(stopwatch), ["0.0s", "18.4s", "2m05s"]);
});
