import assert from "node:assert/strict";
import { test } from "node:test";
import { judged } from "./skips.ts";

const skipped = { name: "a.test.ts > on arm64", outcome: "skipped", reason: "no emulator", durationMs: 0 } as const;

test("what is skipped counts as skipped where nobody said what may be, and where it was named", () => {
  for (const skips of [undefined, "on arm64$"]) assert.equal(judged(skipped, skips), skipped);
});

test("any other skip is a failure that says why it was skipped", () => {
  for (const skips of ["on x64", "^on arm64"]) {
    const { outcome, reason } = judged(skipped, skips);
    assert.equal(outcome, "failed");
    assert.match(reason ?? "", /no emulator$/);
  }
});

test("what passed or failed stays what it is", () => {
  for (const outcome of ["passed", "failed"] as const) assert.equal(judged({ ...skipped, outcome }, "nothing").outcome, outcome);
});
