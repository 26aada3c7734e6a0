import assert from "node:assert/strict";
import { test } from "node:test";
import { newestTransition, sameConditions, stamped, unstamped } from "./conditions.ts";
import type { Condition } from "./resource.ts";

const ready: Condition = { type: "Ready", status: "True", reason: "Running", message: "" };
const early = "2026-01-01T00:00:00Z";
const late = "2026-01-02T00:00:00Z";

test("stamped() keeps the time of what says the same as before", () => {
  const before = stamped([ready], [], early);
  assert.deepEqual(stamped([{ ...ready, message: "for a while" }], before, late), [
    { ...ready, message: "for a while", lastTransitionTime: early },
  ]);
});

test("stamped() gives a new time to another reason", () => {
  const before = stamped([ready], [], early);
  const [now] = stamped([{ ...ready, status: "False", reason: "CrashLoop" }], before, late);
  assert.equal(now?.lastTransitionTime, late);
});

test("unstamped() leaves the times out", () => {
  assert.deepEqual(unstamped(stamped([ready], [], early)), [ready]);
});

test("newestTransition() is the latest time of all, or none", () => {
  assert.equal(
    newestTransition([
      { ...ready, lastTransitionTime: late },
      { ...ready, lastTransitionTime: early },
    ]),
    late,
  );
  assert.equal(newestTransition([ready]), undefined);
});

test("sameConditions() looks at everything but the times", () => {
  assert.ok(sameConditions([ready], stamped([ready], [], early)));
  assert.ok(!sameConditions([ready], [{ ...ready, message: "again" }]));
});
