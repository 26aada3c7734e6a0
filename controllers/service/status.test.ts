import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { DecidedService, ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { decided, instance, observedInstance } from "../../test/fakes/facts.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply, nodeRecord, put, serviceSpec, setMembershipState } from "../../test/fakes/objects.ts";
import { serviceStatus } from "./status.ts";

const one = serviceSpec("app", "app:1");
const failing = {
  type: "Ready",
  status: "False",
  reason: "CrashLoop",
  message: "It ends",
  lastTransitionTime: "2026-02-01T00:00:00Z",
} as const;

interface Scene {
  readonly spec?: ServiceSpec;
  readonly decided?: DecidedService;
  readonly observed?: ObservedService["instances"];
  readonly down?: boolean;
}

async function statusOf(scene: Scene) {
  const mirror = await mirrorOf((etcd) => {
    put(etcd, keys.node("nas"), nodeRecord("nas", "boot-nas"));
    apply(etcd, "Membership", "nas", { role: "auto", schedulable: true });
    apply(etcd, "Service", "app", scene.spec ?? one);
    if (scene.decided) put(etcd, keys.decided("Service", "app"), { ...scene.decided, uid: "uid-1" });
    if (scene.observed) put(etcd, keys.observed("Service", "app", "nas"), { bootId: "boot-nas", instances: scene.observed });
    if (scene.down) setMembershipState(etcd, "nas", "Down");
  });
  const service = mirror.desired("Service", "app");
  assert.ok(service);
  return serviceStatus(service, mirror);
}

test("a ready app on a node whose Docker is silent says both", async () => {
  const silent = { type: "DockerReady", status: "False", reason: "DockerUnavailable", message: "" } as const;
  const scene = {
    decided: decided("app", one, [instance("aaaa", "nas", one)]),
    observed: [observedInstance("aaaa", { conditions: [silent] })],
  };
  assert.deepEqual(await worst(scene), ["Ready True Ready", "DockerReady False DockerUnavailable"]);
  assert.match((await statusOf(scene)).conditions[1]?.message ?? "", /on nas/);
});

test("a ready app whose data no volume holds says so, and is as ready", async () => {
  const keeping = { name: "app", phase: "running", id: "c1", health: "none", restarts: 0, unheld: ["/config"] } as const;
  const scene = {
    decided: decided("app", one, [instance("aaaa", "nas", one)]),
    observed: [observedInstance("aaaa", { containers: [keeping] })],
  };
  assert.deepEqual(await worst(scene), ["Ready True Ready", "DataHeld False NoVolume"]);
});

const worst = async (scene: Scene) => (await statusOf(scene)).conditions.map(({ type, status, reason }) => `${type} ${status} ${reason}`);
const placed = decided("app", one, [instance("aaaa", "nas", one)]);

test("a Service that runs is Ready, under its URL", async () => {
  const status = await statusOf({ decided: placed, observed: [observedInstance("aaaa")] });
  assert.deepEqual(
    [status.ready, status.nodes, status.url, status.conditions[0]?.reason],
    ["1/1", ["nas"], "http://app.home.internal", "Ready"],
  );
  assert.deepEqual([status.instances[0]?.name, status.instances[0]?.reason], ["app-aaaa", "Running"]);
});

test("a Service is Pending, Starting, or what its node complains of", async () => {
  assert.deepEqual(await worst({}), ["Ready False Pending"]);
  assert.deepEqual(await worst({ decided: placed }), ["Ready False Starting"]);
  assert.deepEqual(await worst({ decided: placed, observed: [observedInstance("aaaa", { ready: false, conditions: [failing] })] }), [
    "Ready False CrashLoop",
  ]);
});

test("a condition keeps the time at which its node saw it", async () => {
  const { conditions } = await statusOf({ decided: placed, observed: [observedInstance("aaaa", { ready: false, conditions: [failing] })] });
  assert.equal(conditions[0]?.lastTransitionTime, failing.lastTransitionTime);
});

test("a Service that no node can take says so, node by node", async () => {
  const spec: ServiceSpec = { ...one, placement: { spread: "node", require: { nodes: ["pi"] } } };
  const status = await statusOf({ spec });
  assert.deepEqual(
    status.conditions.map(({ reason }) => reason),
    ["NoNodeFits", "NoNodeFits"],
  );
  assert.match(status.conditions[0]?.message ?? "", /nas: placement requires pi/);
});

test("a Service without replicas is Stopped", async () => {
  assert.deepEqual(await worst({ spec: { ...one, replicas: 0 } }), ["Ready False Stopped"]);
});

test("an instance on a node that is Down is NodeLost", async () => {
  const status = await statusOf({ decided: placed, observed: [observedInstance("aaaa")], down: true });
  assert.deepEqual([status.ready, status.instances[0]?.reason], ["0/1", "NodeLost"]);
});

test("what is being stopped is shown until it is gone", async () => {
  const status = await statusOf({ decided: placed, observed: [observedInstance("aaaa"), observedInstance("old1")] });
  assert.deepEqual(
    status.instances.map(({ id, reason }) => `${id} ${reason}`),
    ["aaaa Running", "old1 Stopping"],
  );
  assert.equal(status.readyReplicas, 1);
});

test("an update that failed is Stalled, and one under way is Reconciling", async () => {
  const failed = { generation: 2, revision: "other", reason: "CrashLoop", message: "It ends" };
  assert.deepEqual(await worst({ decided: { ...placed, failed }, observed: [observedInstance("aaaa")] }), [
    "Ready True Ready",
    "Stalled True UpdateFailed",
  ]);
  const updating = await statusOf({ decided: { ...placed, good: "older" }, observed: [observedInstance("aaaa")] });
  assert.equal(updating.conditions[1]?.type, "Reconciling");
  assert.deepEqual(updating.rollout?.updated, 1);
});

test("'all' counts the nodes that fit", async () => {
  const all: ServiceSpec = { ...one, replicas: "all" };
  assert.equal(
    (await statusOf({ spec: all, decided: decided("app", all, [instance("aaaa", "nas", all)]), observed: [observedInstance("aaaa")] }))
      .ready,
    "1/1",
  );
});

test("a circle that two people wrote at once, and an unknown name, are conditions of their own", async () => {
  assert.deepEqual(await worst({ spec: serviceSpec("app", "app:1", { after: ["db"], replicas: 0 }) }), [
    "Ready False Stopped",
    "Ordered False ServiceNotFound",
  ]);
});
