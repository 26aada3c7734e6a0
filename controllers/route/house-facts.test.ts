import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { Condition } from "../../src/api/resource.ts";
import { decided, instance, observedInstance } from "../../test/fakes/facts.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply, put, serviceSpec, setMembershipState } from "../../test/fakes/objects.ts";
import { rivalsOf, routesTo, targetOf } from "./house-facts.ts";

const spec = serviceSpec("app", "app:1");
const nowhere = (): Condition => ({ type: "Scheduled", status: "False", reason: "NoNodeFits", message: "None of 1 nodes fits: nas: full" });
const house = () =>
  mirrorOf((etcd) => {
    apply(etcd, "Service", "app", spec);
    apply(etcd, "Route", "alias", { host: "App", path: "/", to: { service: "app" } });
    apply(etcd, "Route", "router", { host: "router", path: "/", to: { url: "http://192.168.1.1" } });
    put(etcd, keys.decided("Service", "app"), decided("app", spec, [instance("aaaa", "nas", spec), instance("bbbb", "nas", spec)]));
    const problem = { type: "Ready", status: "False", reason: "CrashLoop", message: "" };
    const instances = [observedInstance("aaaa"), observedInstance("bbbb", { ready: false, conditions: [{ ...problem, status: "False" }] })];
    put(etcd, keys.observed("Service", "app", "nas"), { bootId: "boot-nas", instances });
  });

test("routesTo() finds stored and derived Routes of a Service", async () => {
  assert.deepEqual([...routesTo("app", await house())].sort(), ["alias", "app"]);
});

test("rivalsOf() finds Routes that want the same host, whatever its case", async () => {
  const mirror = await house();
  const derived = mirror.desired("Route", "app");
  assert.ok(derived);
  assert.deepEqual(
    rivalsOf(derived, mirror).map(({ metadata }) => metadata.name),
    ["alias"],
  );
});

test("targetOf() is the Service with what is ready and what is wrong", async () => {
  const mirror = await house();
  const alias = mirror.desired("Route", "alias");
  const router = mirror.desired("Route", "router");
  assert.ok(alias && router);
  const target = targetOf(alias, mirror, nowhere);
  assert.deepEqual(
    target?.ready.map(({ instance: { id } }) => id),
    ["aaaa"],
  );
  assert.deepEqual([target?.problem?.reason, target?.placed, target?.service?.metadata.name], ["CrashLoop", 2, "app"]);
  assert.equal(targetOf(router, mirror, nowhere), undefined);
});

test("targetOf() says so when the computer of an instance is Down", async () => {
  const mirror = await mirrorOf((etcd) => {
    apply(etcd, "Service", "app", spec);
    setMembershipState(etcd, "nas", "Down");
    put(etcd, keys.decided("Service", "app"), decided("app", spec, [instance("aaaa", "nas", spec)]));
  });
  const derived = mirror.desired("Route", "app");
  assert.ok(derived);
  const lost = { type: "Ready", status: "False", reason: "NodeLost", message: "Its data is on nas, which is Down" } as const;
  const target = targetOf(derived, mirror, () => lost);
  assert.deepEqual([target?.problem, target?.ready], [lost, []]);
});

test("targetOf() says why no node can take what runs nowhere", async () => {
  const mirror = await mirrorOf((etcd) => apply(etcd, "Service", "app", spec));
  const derived = mirror.desired("Route", "app");
  assert.ok(derived);
  assert.equal(targetOf(derived, mirror, nowhere)?.problem?.message, "None of 1 nodes fits: nas: full");
  assert.equal(targetOf(derived, mirror, () => undefined)?.problem, undefined);
});
