import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceSpec } from "../../src/api/types.ts";
import { decided, houseFacts, instance, nodeFacts, observed, observedInstance, seen, service } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { decide } from "./decide.ts";
import type { HouseFacts, NodeFacts } from "./facts.ts";
import { leavingInstances } from "./leaving.ts";

const spec = serviceSpec("app", "app:1");
const big = serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { resources: { memory: "5Gi" } })] });
const stick = serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { devices: [{ class: "stick" }] })] });
const data = serviceSpec("app", "", {
  containers: [containerSpec("app", "app:1", { volumes: [{ type: "volume", name: "c", path: "/c", readOnly: false }] })],
});
const bound = serviceSpec("app", "", {
  containers: [containerSpec("app", "app:1", { engine: { HostConfig: { Binds: ["/db:/data"] } } })],
});
const withStick = { devices: [{ class: "stick", paths: ["/dev/ttyACM0"], groups: [] }] };
const nas = nodeFacts("nas", { leaving: "drained" });
const pi = nodeFacts("pi");

/** Where its instances are after one step; `ready` of those that have told their node so. */
function step(of: ServiceSpec, where: readonly string[], nodes: readonly NodeFacts[], over: Partial<HouseFacts> = {}): string {
  const instances = where.map((node, index) => instance(`i${index}`, node, of));
  const house = houseFacts({ nodes, decided: seen(decided("app", of, instances)), ...over });
  return (decide("app", service("app", of), house, 60_000).next?.instances ?? []).map(({ node }) => node).join();
}
const readyOn = (...told: readonly (readonly [node: string, ...ids: readonly string[]])[]): Partial<HouseFacts> => ({
  observed: new Map(
    told.map(([node, ...ids]) =>
      observed(
        node,
        ids.map((id) => observedInstance(id)),
      ),
    ),
  ),
});

test("what may run twice starts elsewhere before it goes", () => {
  assert.equal(step(spec, ["nas"], [nas, pi]), "nas,pi");
  assert.equal(step(spec, ["nas", "pi"], [nas, pi], readyOn(["nas", "i0"])), "nas,pi", "the new one is not ready");
  assert.equal(step(spec, ["nas", "pi"], [nas, pi], readyOn(["nas", "i0"], ["pi", "i1"])), "pi");
});

test("it has proven itself: that the new one is ready is enough", () => {
  const told = new Map([observed("nas", [observedInstance("i0")]), observed("pi", [observedInstance("i1")], 59_000)]);
  assert.equal(step(spec, ["nas", "pi"], [nas, pi], { observed: told }), "pi");
});

test("one goes also where others of its number are still to come, as far as there is room for all of them", () => {
  const three = { ...spec, replicas: 3 };
  const gone = (nodes: readonly NodeFacts[]): boolean =>
    leavingInstances([instance("i0", "nas", three)], { service: "app", spec: three, volumes: {} }, { nodes }).size === 1;
  assert.equal(gone([nas, pi]), true);
  const roomForTwo = nodeFacts("pi", {}, { memoryBytes: 2 * 128 * 2 ** 20 });
  assert.equal(gone([nas, roomForTwo]), false);
});

test("what has its data by `engine` waits for a computer that only restarts, and goes where a person drains it", () => {
  assert.equal(step(bound, ["nas"], [nodeFacts("nas", { leaving: "stopping" }), pi], readyOn(["nas", "i0"])), "nas");
  assert.equal(step(bound, ["nas"], [nodeFacts("nas", { downSinceMs: 0 }), pi]), "nas");
  assert.equal(step(bound, ["nas"], [nas, pi], readyOn(["nas", "i0"])), "");
});

test("what must not run twice stops first, and starts elsewhere once it has stopped", () => {
  const both = [nodeFacts("nas", { leaving: "drained" }, withStick), nodeFacts("pi", {}, withStick)];
  assert.equal(step(stick, ["nas"], both, readyOn(["nas", "i0"])), "");
  assert.equal(step(stick, [], both, readyOn(["nas", "i0"])), "", "it still runs");
  assert.equal(step(stick, [], both), "pi");
});

test("what no other node can take stays", () => {
  assert.equal(step(stick, ["nas"], [nodeFacts("nas", { leaving: "drained" }, withStick), pi]), "nas");
  assert.equal(step(spec, ["nas"], [nas]), "nas");
  assert.equal(step(spec, ["nas"], [nas, nodeFacts("pi", { schedulable: false })]), "nas");
  const volumes = { "app-c": { node: "nas", uid: "u", made: true } };
  const kept = decided("app", data, [instance("i0", "nas", data)], { volumes });
  assert.equal(decide("app", service("app", data), houseFacts({ nodes: [nas, pi], decided: seen(kept) }), 0).next, kept);
});

test("as many go as there is room for, the others stay, and none that went is called back", () => {
  const three = { ...big, replicas: 3 };
  const nodes = (placed: number): readonly NodeFacts[] => [
    nodeFacts("nas", { leaving: "drained" }, { memoryBytes: 64 * 2 ** 30 }),
    nodeFacts("pi", { load: { instances: placed, memoryBytes: placed * 5 * 2 ** 30, cpus: 0 } }, { memoryBytes: 8 * 2 ** 30 }),
  ];
  assert.equal(step(three, ["nas", "nas", "nas"], nodes(0), readyOn(["nas", "i0", "i1", "i2"])), "nas,nas,nas,pi");
  assert.equal(step(three, ["nas", "nas", "nas", "pi"], nodes(1), readyOn(["nas", "i0", "i1", "i2"])), "nas,nas,nas,pi", "it comes up");
  const done = readyOn(["nas", "i0", "i1", "i2"], ["pi", "i3"]);
  assert.equal(step(three, ["nas", "nas", "nas", "pi"], nodes(1), done), "nas,nas,pi");
});

test("what is wanted once on each node stays", () => {
  const all: ServiceSpec = { ...spec, replicas: "all" };
  assert.equal(step(all, ["nas", "pi"], [nas, pi], readyOn(["nas", "i0"], ["pi", "i1"])), "nas,pi");
});

test("a node that is about to stop is left like one that is drained, but for what is never to move by itself", () => {
  const stopping = nodeFacts("nas", { leaving: "stopping" });
  assert.equal(step(spec, ["nas"], [stopping, pi]), "nas,pi");
  const never: ServiceSpec = { ...spec, failover: "never" };
  assert.equal(step(never, ["nas"], [stopping, pi]), "nas");
  assert.equal(step(never, ["nas"], [nas, pi]), "nas,pi", "a person wants it so");
});

test("a node that has become a witness is left like one that is drained, and keeps what nobody else can take", () => {
  const witness = nodeFacts("nas", { isWitness: true });
  assert.equal(step(spec, ["nas"], [witness, pi]), "nas,pi");
  assert.equal(step(spec, ["nas"], [witness]), "nas");
});

test("one that came back moves nothing back", () => {
  assert.equal(step(spec, ["pi"], [nodeFacts("nas"), pi], readyOn(["pi", "i0"])), "pi");
});

test("what stays there is not stopped for an update that no node could take", () => {
  const volumes = { "app-c": { node: "nas", uid: "u", made: true } };
  const newer = { ...data, containers: data.containers.map((container) => ({ ...container, image: "app:2" })) };
  const before = decided("app", data, [instance("i0", "nas", data)], { volumes });
  const after = (node: NodeFacts): readonly string[] => {
    const house = houseFacts({ nodes: [node, pi], decided: seen(before), ...readyOn(["nas", "i0"]) });
    return decide("app", service("app", newer, 2), house, 60_000).next?.instances.map(({ id }) => id) ?? [];
  };
  assert.deepEqual(after(nas), ["i0"]);
  assert.deepEqual(after(nodeFacts("nas", { schedulable: false })), ["i0"]);
  assert.deepEqual(after(nodeFacts("nas")).includes("i0"), false, "there it stops first");
  const full = nodeFacts("nas", { load: { instances: 1, memoryBytes: 8 * 2 ** 30, cpus: 0 } });
  assert.deepEqual(after(full).includes("i0"), false, "it makes room itself");
});

test("what a person has move is gone from where it was once it stands where it was called to, though two have no room there", () => {
  const called = decided("app", big, [{ ...instance("i0", "nas", big), to: "pi" }]);
  const nodes = [nodeFacts("nas"), nodeFacts("pi")];
  const house = houseFacts({ nodes, decided: seen(called), ...readyOn(["nas", "i0"]) });
  const moving = decide("app", service("app", big), house, 60_000).next;
  const [, came] = moving?.instances ?? [];
  assert.equal(came?.node, "pi");
  const load = { instances: 1, memoryBytes: 5 * 2 ** 30, cpus: 0 };
  const full = nodes.map((node) => ({ ...node, load }));
  const there = { nodes: full, decided: moving && seen(moving), ...readyOn(["nas", "i0"], ["pi", came?.id ?? ""]) };
  const moved = decide("app", service("app", big), houseFacts(there), 60_000).next;
  assert.deepEqual(
    moved?.instances.map(({ node }) => node),
    ["pi"],
  );
});

test("nothing that serves is stopped for one that must not start beside what may still run on a lost node", () => {
  const hosting = (image: string, replicas: 1 | "all"): ServiceSpec =>
    serviceSpec("app", "", { replicas, containers: [containerSpec("app", image, { network: "host" })] });
  const [before, after] = [hosting("app:1", "all"), hosting("app:2", 1)];
  const value = decided("app", before, [instance("i0", "nas", before)]);
  const lost = nodeFacts("pi", { record: undefined, downSinceMs: 0, goneSinceMs: 0 });
  const told = new Map([["pi", { bootId: "b", instances: [observedInstance("i1", { revision: value.target })] }]]);
  const house = houseFacts({ nodes: [nodeFacts("nas"), lost], decided: seen(value), told, ...readyOn(["nas", "i0"]) });
  const { next, unplaced } = decide("app", service("app", after, 2), house, 60_000);
  assert.deepEqual([next?.instances, unplaced], [value.instances, 1]);
});

test("what must not run twice starts nowhere while a node that is out of the house may still be stopping it", () => {
  const share = { type: "host", source: "/mnt/share", path: "/share", readOnly: false } as const;
  const writer = serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { volumes: [share] })] });
  const value = decided("app", writer, []);
  const stopping = readyOn(["nas", "i0"]);
  const next = (over: Partial<HouseFacts>) =>
    decide("app", service("app", writer), houseFacts({ nodes: [nodeFacts("pi")], decided: seen(value), ...over }), 0).next?.instances;
  assert.deepEqual(next(stopping), []);
  assert.deepEqual(
    next({})?.map(({ node }) => node),
    ["pi"],
  );
});
