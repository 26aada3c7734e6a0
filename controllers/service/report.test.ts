import assert from "node:assert/strict";
import { test } from "node:test";
import type { Condition } from "../../src/api/resource.ts";
import type { ObservedInstance, ObservedService } from "../../src/api/state.ts";
import { decided, docker, houseFacts, instance, localFacts, nodeFacts, observedInstance, seen } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import type { CarriedOut } from "./carry-out.ts";
import type { LocalFacts, NodeFacts } from "./facts.ts";
import { reportOf } from "./report.ts";

const spec = serviceSpec("app", "app:1");
const bound = serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { network: "host" })] });
const loop: Condition = { type: "Ready", status: "False", reason: "CrashLoop", message: "it ends" };
const running = { name: "app", phase: "running", health: "healthy", restarts: 0, id: "d1" } as const;

interface Scene {
  readonly now?: readonly { readonly observed: ObservedInstance; readonly quiet: boolean }[];
  readonly before?: readonly ObservedInstance[];
  readonly local?: Partial<LocalFacts>;
  readonly nodes?: readonly NodeFacts[];
  readonly of?: typeof spec;
}

function report({ now = [], before, local = {}, nodes = [nodeFacts("nas")], of = spec }: Scene): ObservedService | "nothing" | undefined {
  const carried: CarriedOut = { actions: [], instances: now, recheckAfterMs: undefined };
  const reported = before && seen({ bootId: "boot-nas", instances: before });
  const house = houseFacts({ nodes, decided: seen(decided("app", of, [instance("aaaa", "nas", of)])) });
  const action = reportOf({ name: "app", house, local: localFacts({ reported, ...local }) }, carried, "nas");
  return action === undefined ? "nothing" : action.observed;
}

const one = (over: Partial<ObservedInstance> = {}, quiet = false) => [
  { observed: observedInstance("aaaa", { revision: decided("app", spec, []).target, containers: [running], ...over }), quiet },
];

test("what is ready is told once", () => {
  const told = report({ now: one() });
  assert.ok(told !== "nothing" && told !== undefined);
  assert.equal(report({ now: one(), before: told.instances }), "nothing");
});

test("what is on its way is not told, unless two of it would do harm and there are others", () => {
  assert.equal(report({ now: one({ ready: false }, true) }), "nothing");
  const nodes = [nodeFacts("nas"), nodeFacts("pi")];
  assert.equal(report({ now: one({ ready: false }, true), nodes }), "nothing");
  const revision = decided("app", bound, []).target;
  assert.notEqual(report({ now: one({ ready: false, revision }, true), nodes, of: bound }), "nothing");
});

test("times, restarts and the last words of a check are not worth a write", () => {
  const before = one()[0]?.observed;
  assert.ok(before);
  assert.equal(report({ now: one({ containers: [{ ...running, restarts: 7, detail: "slow" }] }), before: [before] }), "nothing");
  assert.notEqual(report({ now: one({ containers: [{ ...running, health: "unhealthy" }] }), before: [before] }), "nothing");
});

test("the turns of a crash loop are one condition", () => {
  const turn = (phase: "restarting" | "exited") =>
    observedInstance("aaaa", {
      revision: decided("app", spec, []).target,
      ready: false,
      conditions: [loop],
      containers: [{ name: "app", phase, health: "none", restarts: 3 }],
    });
  assert.equal(report({ now: [{ observed: turn("exited"), quiet: false }], before: [turn("restarting")] }), "nothing");
});

test("the time of a condition is no news", () => {
  const stampedBefore = observedInstance("aaaa", {
    revision: decided("app", spec, []).target,
    ready: false,
    conditions: [{ ...loop, lastTransitionTime: "2026-01-01T00:00:00Z" }],
  });
  assert.equal(report({ now: one({ ready: false, conditions: [loop], containers: [] }), before: [stampedBefore] }), "nothing");
});

test("what is being stopped is told as it was, until it is gone", () => {
  const before = observedInstance("old1");
  const containers = [docker("app", "old1", spec)];
  assert.equal(report({ before: [before], local: { containers } }), "nothing");
  assert.equal(report({ before: [before], local: { containers: undefined } }), "nothing");
  assert.equal(report({ before: [before] }), undefined);
});

test("an entry of an older boot is written anew, or removed", () => {
  const stale = { reported: seen({ bootId: "older", instances: [] }) };
  assert.equal(report({ local: stale }), undefined);
  const told = report({ now: one(), local: stale });
  assert.ok(told !== "nothing" && told?.bootId === "boot-nas");
});

test("images that were pulled are remembered until they are removed", () => {
  const told = report({ now: one(), local: { pulled: ["app:1"] } });
  assert.ok(told !== "nothing" && told !== undefined);
  assert.deepEqual(told.pulled, ["app:1"]);
  const reported = seen({ ...told, instances: [] });
  assert.equal(report({ local: { reported, unused: ["app:1"] } }), undefined);
  const image = { id: "", digests: [], tags: [], arch: "", hasHealthcheck: false, exposedTcpPorts: [], bytes: 0 };
  assert.equal(report({ local: { reported, unused: ["app:1"], images: { "app:1": image } } }), "nothing");
  assert.equal(
    report({
      local: { reported, unused: ["app:1"], images: { "app:1": image }, jobs: { "remove image app:1": { state: "done", atMs: 0 } } },
    }),
    undefined,
    "somebody else uses it",
  );
});
