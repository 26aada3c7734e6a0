import assert from "node:assert/strict";
import { test } from "node:test";
import { failsUpdate, needsPerson } from "./lasting.ts";

test("what a person must mend ends a wait and fails an update", () => {
  for (const reason of ["ImageNotFound", "CrashLoop", "Exited", "NoNodeFits"])
    assert.ok(needsPerson(reason) && failsUpdate(reason), reason);
});

test("what passes, or waits for somebody else, does neither", () => {
  for (const reason of ["Starting", "Interrupted", "DockerUnavailable", "ImagePullFailed", "SecretMissing"])
    assert.ok(!needsPerson(reason) && !failsUpdate(reason), reason);
});

test("an app that is not well fails its update, and is waited for all the same: it may need long for its first start", () => {
  for (const reason of ["Unhealthy", "PortNotListening"]) assert.ok(failsUpdate(reason) && !needsPerson(reason), reason);
});
