import assert from "node:assert/strict";
import { test } from "node:test";
import { failsUpdate, needsPerson } from "../../src/api/lasting.ts";
import { EXPLANATION, isLoop } from "./reasons.ts";

test("isLoop() holds for what starts and ends in turns", () => {
  assert.ok(isLoop("CrashLoop") && isLoop("OutOfMemory"));
  assert.ok(!isLoop("Unhealthy"));
});

test("every fault of Docker has a reason and a remedy", () => {
  for (const [fault, { reason, remedy }] of Object.entries(EXPLANATION))
    assert.ok(/^[A-Z][A-Za-z]+$/.test(reason) && remedy.length > 10, fault);
});

test("what is tried again, or made anew, fails no update and ends no wait", () => {
  const retried = Object.entries(EXPLANATION).filter(([, { remedy }]) => /tried again|made anew/.test(remedy));
  assert.ok(retried.length >= 5);
  for (const [fault, { reason }] of retried) assert.ok(!failsUpdate(reason) && !needsPerson(reason), fault);
});
