import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObservedInstance } from "../../src/api/state.ts";
import { instance, observed, observedInstance } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import { verdict } from "./verdict.ts";

const spec = serviceSpec("app", "app:1"); // monitor: 5s
const decided = instance("aaaa", "nas", spec);
const after = (ms: number, over: Partial<ObservedInstance> = {}) =>
  verdict(decided, spec, new Map([observed("nas", [observedInstance("aaaa", over)], 1_000)]), 1_000 + ms);

test("an instance of which its node says nothing is unknown", () => {
  assert.deepEqual(verdict(decided, spec, new Map(), 0), { kind: "unknown" });
  assert.deepEqual(verdict(decided, spec, new Map([observed("pi", [observedInstance("aaaa")])]), 0), { kind: "unknown" });
});

test("an instance is settled once it has been ready for as long as monitor says", () => {
  assert.deepEqual(after(4_000), { kind: "ready", settledInMs: 1_000 });
  assert.deepEqual(after(5_000), { kind: "settled" });
});

test("a last word settles nothing, and fails no update", () => {
  const silent = { type: "DockerReady", status: "False", reason: "DockerUnavailable", message: "" } as const;
  const deaf = { type: "Ready", status: "False", reason: "PortNotListening", message: "" } as const;
  assert.equal(after(60_000, { conditions: [silent] }).kind, "unknown");
  assert.equal(after(60_000, { ready: false, conditions: [deaf, silent] }).kind, "waiting");
});

test("an instance fails only for a reason that waiting does not mend", () => {
  const because = (reason: string) =>
    after(0, { ready: false, conditions: [{ type: "Ready", status: "False", reason, message: "" }] }).kind;
  assert.equal(because("CrashLoop"), "failing");
  assert.equal(because("ImageNotFound"), "failing");
  assert.equal(because("ImagePullFailed"), "waiting");
  assert.equal(because("DockerUnavailable"), "waiting");
  assert.equal(after(0, { ready: false }).kind, "waiting");
});
