import assert from "node:assert/strict";
import { test } from "node:test";
import { EXPLANATION, isLasting, isLoop } from "./reasons.ts";

test("isLasting() holds for what a person has to mend, not for what passes", () => {
  for (const reason of ["ImageNotFound", "HostPathMissing", "CrashLoop", "Unhealthy"]) assert.ok(isLasting(reason), reason);
  for (const reason of ["RateLimited", "ImagePullFailed", "DiskFull", "DockerUnavailable", "SecretMissing"])
    assert.ok(!isLasting(reason), reason);
});

test("isLoop() holds for what starts and ends in turns", () => {
  assert.ok(isLoop("CrashLoop") && isLoop("OutOfMemory"));
  assert.ok(!isLoop("Unhealthy"));
});

test("every fault of Docker has a reason and a remedy", () => {
  for (const [fault, { reason, remedy }] of Object.entries(EXPLANATION))
    assert.ok(/^[A-Z][A-Za-z]+$/.test(reason) && remedy.length > 10, fault);
});
