import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { DecidedService } from "../../src/api/state.ts";
import { decided, instance } from "../../test/fakes/facts.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { apply, containerSpec, nodeRecord, put, serviceSpec, setMembershipState } from "../../test/fakes/objects.ts";
import type { FakeEtcd } from "../../test/fakes/store.ts";
import { serviceController } from "./controller.ts";
import { houseFacts, isDecidedName, successors, unusedImages } from "./house-facts.ts";
import { fitness } from "./placement.ts";

const spec = serviceSpec("app", "app:1");
const heavy = serviceSpec("db", "", { containers: [containerSpec("db", "db:1", { resources: { memory: "1Gi", cpus: 1.5 } })] });
const moments = { desiredSeenAtMs: 0, volumes: {} };

test("houseFacts() knows every node by its Membership, its record and its verdict", async () => {
  const mirror = await mirrorOf((etcd) => {
    apply(etcd, "Membership", "nas", { role: "auto", schedulable: false }, { disk: "big" });
    put(etcd, keys.node("pi"), nodeRecord("pi", "boot-pi"));
    apply(etcd, "Membership", "pi", { role: "auto", schedulable: true });
    setMembershipState(etcd, "pi", "Down");
  });
  const [nas, pi] = houseFacts("app", mirror, moments).nodes;
  assert.deepEqual([nas?.name, nas?.schedulable, nas?.labels, nas?.record], ["nas", false, { disk: "big" }, undefined]);
  assert.deepEqual([pi?.name, pi?.schedulable, pi?.downSinceMs !== undefined, pi?.record?.value.bootId], ["pi", true, true, "boot-pi"]);
});

test("a node with a record and no Membership is on its way out of the house, and takes nothing new", async () => {
  const mirror = await mirrorOf((etcd) => put(etcd, keys.node("pi"), nodeRecord("pi", "boot-pi")));
  const { nodes } = houseFacts("app", mirror, moments);
  const wanted = { service: "app", spec, volumes: {} };
  assert.deepEqual(fitness(wanted, nodes), [{ node: "pi", fits: false, reason: "it leaves the house" }]);
});

test("houseFacts() adds up what is placed on each node, without looking at other Services", async () => {
  const mirror = await mirrorOf((etcd) => {
    put(etcd, keys.node("nas"), nodeRecord("nas", "boot-nas"));
    put(etcd, keys.decided("Service", "app"), decided("app", spec, [instance("aaaa", "nas", spec), instance("bbbb", "nas", spec)]));
    put(etcd, keys.decided("Service", "db"), decided("db", heavy, [instance("cccc", "nas", heavy)]));
  });
  assert.deepEqual(houseFacts("app", mirror, moments).nodes[0]?.load, {
    instances: 3,
    memoryBytes: 2 * 128 * 2 ** 20 + 2 ** 30,
    cpus: 1.5,
  });
});

test("unusedImages() are those that no Service's revisions name", async () => {
  const mirror = await mirrorOf((etcd) => put(etcd, keys.decided("Service", "db"), decided("db", heavy, [])));
  assert.deepEqual(unusedImages({ bootId: "b", instances: [], pulled: ["app:1", "db:1"] }, mirror), ["app:1"]);
  assert.deepEqual(unusedImages(undefined, mirror), []);
});

test("isDecidedName() knows containers and networks of decided instances", async () => {
  const two = serviceSpec("app", "", { containers: [containerSpec("web", "web:1"), containerSpec("db", "db:1")] });
  const mirror = await mirrorOf((etcd) => put(etcd, keys.decided("Service", "app"), decided("app", two, [instance("aaaa", "nas", two)])));
  for (const name of ["app-aaaa", "app-aaaa-web", "app-aaaa-db"]) assert.ok(isDecidedName(name, mirror), name);
  assert.ok(!isDecidedName("app-bbbb-web", mirror));
});

test("others are those that a Service comes after, along their chains; and who comes after one is woken by it", async () => {
  const after = (name: string, ...names: readonly string[]) => serviceSpec(name, "app:1", { after: names });
  const mirror = await mirrorOf((etcd) => {
    apply(etcd, "Service", "app", after("app", "db", "gone"));
    apply(etcd, "Service", "db", after("db", "disk"));
    apply(etcd, "Service", "disk", after("disk", "app"));
    apply(etcd, "Service", "beside", spec);
    put(etcd, keys.decided("Service", "app"), decided("app", after("app", "db"), []));
  });
  const { others } = houseFacts("app", mirror, moments);
  assert.deepEqual(
    [...others].map(([name, { replicas }]) => [name, replicas]),
    [
      ["db", 1],
      ["gone", undefined],
      ["disk", 1],
      ["app", 1],
    ],
  );
  assert.deepEqual(successors("db", mirror), ["app"]);
  assert.deepEqual(successors("disk", mirror), []);
  assert.deepEqual(serviceController.wakes({ room: "observed", kind: "Service", name: "db", node: "pi" }, mirror), ["db", "app"]);
});

test("a Service that cannot be read holds up none of the others, neither those after it by name nor those that come after it", async () => {
  const broken = (etcd: FakeEtcd, key: string): void => void etcd.commit({ compare: [], writes: [{ put: key, value: "{" }] });
  const mirror = await mirrorOf(
    (etcd) => {
      for (const node of ["nas", "pi"]) put(etcd, keys.node(node), nodeRecord(node, `boot-${node}`));
      setMembershipState(etcd, "nas", "Down");
      for (const name of ["db", "disk", "web"]) {
        apply(etcd, "Service", name, name === "web" ? serviceSpec("web", "app:1", { after: ["db", "disk"] }) : spec);
        put(etcd, keys.decided("Service", name), decided(name, spec, [instance("aaaa", "nas", spec)]));
      }
    },
    (etcd) => {
      broken(etcd, keys.decided("Service", "db"));
      broken(etcd, keys.desired("Service", "disk"));
    },
  );
  const { ahead, others } = houseFacts("web", mirror, moments);
  assert.deepEqual(
    ahead.map(({ wanted }) => wanted.service),
    ["disk"],
  );
  assert.deepEqual(
    [...others].map(([name, { replicas, decided }]) => [name, replicas, decided !== undefined]),
    [
      ["db", 1, false],
      ["disk", 1, true],
    ],
  );
  assert.throws(() => houseFacts("db", mirror, moments), /Cannot read/);
});

test("a decision that gives room up wakes those that wait for it, one that gives up none, or on a node that is lost, nobody", async () => {
  const mirror = await mirrorOf((etcd) => {
    for (const node of ["nas", "pi"]) {
      put(etcd, keys.node(node), nodeRecord(node, `boot-${node}`));
      apply(etcd, "Membership", node, { role: "auto", schedulable: true });
    }
    setMembershipState(etcd, "nas", "Down");
    put(etcd, keys.decided("Service", "kept"), decided("kept", spec, [instance("aaaa", "nas", spec)]));
    put(etcd, keys.decided("Service", "rests"), decided("rests", spec, [instance("bbbb", "pi", spec)]));
    put(etcd, keys.decided("Service", "waits"), decided("waits", spec, []));
  });
  const woken = (was: DecidedService | undefined): readonly string[] =>
    serviceController.wakes({ room: "decided", kind: "Service", name: "gone", was }, mirror);
  assert.deepEqual(woken(decided("gone", heavy, [instance("cccc", "pi", heavy)])), ["gone", "kept", "waits"]);
  assert.deepEqual(woken(decided("gone", heavy, [instance("cccc", "nas", heavy)])), ["gone"]);
  assert.deepEqual(woken(undefined), ["gone"]);
  assert.equal(houseFacts("rests", mirror, moments).roomSinceMs, undefined);
  assert.equal(houseFacts("waits", mirror, moments).roomSinceMs, mirror.decided("Service", "rests")?.seenAtMs);
});
