import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, ServiceSpec } from "../../src/api/types.ts";
import { decided, houseFacts, instance, nodeFacts, observed, observedInstance, seen } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import type { HouseFacts } from "./facts.ts";
import { mustBeHeld, takeStep, wantedCount } from "./instances.ts";
import type { Standing } from "./rollout.ts";

const specWith = (container: Partial<Container> = {}, over: Partial<ServiceSpec> = {}) =>
  serviceSpec("app", "", { containers: [containerSpec("app", "app:1", container)], ...over });
const data = specWith({ volumes: [{ type: "volume", name: "c", path: "/c", readOnly: false }] });
const stick = specWith({ devices: [{ class: "zigbee" }] });
const withStick = (name: string, over = {}) =>
  nodeFacts(name, over, { devices: [{ class: "zigbee", paths: ["/dev/ttyACM0"], groups: [] }] });

function move(
  spec: ServiceSpec,
  old: readonly { readonly id: string; readonly node: string; readonly current: boolean }[],
  over: Partial<HouseFacts>,
) {
  const instances = old.map(({ id, node }) => instance(id, node, spec));
  const before = decided("app", spec, instances, { serial: 7 });
  const standings = old.map(({ current }, index): Standing => ({
    instance: instances[index] ?? instance("", "", spec),
    verdict: { kind: "settled" },
    current,
  }));
  return {
    before,
    ...takeStep({
      decided: before,
      standings,
      wanted: { service: "app", spec, volumes: {} },
      house: houseFacts({ decided: seen(before), ...over }),
      now: 0,
    }),
  };
}

test("each new instance has an id that none had before", () => {
  const { next } = move(specWith({}, { replicas: 3 }), [], {});
  assert.equal(next.serial, 10);
  assert.equal(new Set(next.instances.map(({ id }) => id)).size, 3);
});

test("a Volume that nobody made is decided with the first instance, and pins the others", () => {
  const { next } = move({ ...data, replicas: 2 }, [], { nodes: [nodeFacts("nas"), nodeFacts("pi")] });
  const node = next.volumes?.["app-c"]?.node;
  assert.equal(next.volumes?.["app-c"]?.made, false);
  assert.deepEqual(new Set(next.instances.map((each) => each.node)), new Set([node]));
});

test("what must not run twice changes places on one node in one step", () => {
  const { next } = move(stick, [{ id: "aaaa", node: "nas", current: false }], { nodes: [withStick("nas")] });
  assert.deepEqual(
    next.instances.map(({ node }) => node),
    ["nas"],
  );
  assert.notEqual(next.instances[0]?.id, "aaaa");
});

test("what must not run twice goes to another node only after it is gone", () => {
  const nodes = [nodeFacts("nas"), withStick("pi")];
  const first = move(stick, [{ id: "aaaa", node: "nas", current: false }], { nodes });
  assert.deepEqual(first.next.instances, []);
  const observedThere = new Map([observed("nas", [observedInstance("aaaa")])]);
  assert.deepEqual(move(stick, [], { nodes, observed: observedThere }).next.instances, []);
  assert.deepEqual(
    move(stick, [], { nodes }).next.instances.map(({ node }) => node),
    ["pi"],
  );
});

test("what must not run twice stays decided on a node that cannot be asked", () => {
  for (const over of [{ downSinceMs: 0 }, { record: undefined }]) {
    const nodes = [nodeFacts("nas", over), withStick("pi")];
    const { before, next } = move(stick, [{ id: "aaaa", node: "nas", current: false }], { nodes });
    assert.equal(next, before);
    assert.ok(mustBeHeld(instance("aaaa", "nas", stick), before, houseFacts({ nodes }), 0));
  }
});

test("'all' wants one on each node that fits, and on those that have one already", () => {
  const all = specWith({}, { replicas: "all" });
  const house = houseFacts({
    nodes: [nodeFacts("nas", { schedulable: false }), nodeFacts("pi"), nodeFacts("nuc", { schedulable: false })],
  });
  const standing: Standing = { instance: instance("aaaa", "nas", all), verdict: { kind: "settled" }, current: true };
  assert.equal(wantedCount({ service: "app", spec: all, volumes: {} }, [standing], house), 2);
});

test("'all' never puts two on one node", () => {
  const { next } = move(specWith({}, { replicas: "all" }), [{ id: "aaaa", node: "nas", current: true }], {
    nodes: [nodeFacts("nas"), nodeFacts("pi"), nodeFacts("nuc")],
  });
  assert.deepEqual(next.instances.map(({ node }) => node).sort(), ["nas", "nuc", "pi"]);
});

const sized = (memory: string): ServiceSpec =>
  specWith({ resources: { memory } }, { replicas: 2, update: { ...specWith().update, order: "stop-first" } });
const GIB = 2 ** 30;

/** Two that reserve 1 GiB each, on nodes with so much free, are to become two of 3 GiB. */
function grow(freeGib: Readonly<Record<string, number>>): readonly string[] {
  const [before, after] = [sized("1Gi"), sized("3Gi")];
  const old = decided("app", before, [instance("aaaa", "nas", before), instance("bbbb", "pi", before)]);
  const is = decided("app", after, [...old.instances]);
  const both = { ...is, revisions: { ...old.revisions, ...is.revisions } };
  const nodes = ["nas", "pi"].map((name) => {
    const load = { instances: 1, memoryBytes: GIB, cpus: 0 };
    return nodeFacts(name, { load }, { memoryBytes: ((freeGib[name] ?? 0) + 1) * GIB });
  });
  const standings = old.instances.map((each): Standing => ({ instance: each, verdict: { kind: "settled" }, current: false }));
  const wanted = { service: "app", spec: after, volumes: {} };
  const { next } = takeStep({ decided: both, standings, wanted, house: houseFacts({ nodes, decided: seen(both) }), now: 0 });
  return next.instances.map(({ node, revision }) => `${node} ${both.revisions[revision]?.spec === after ? "new" : "old"}`);
}

test("under stop-first those go first whose places take their new ones, and none goes for nothing", () => {
  assert.deepEqual(grow({ nas: 2, pi: 2 }), ["pi old"], "the new one comes once this one has ended");
  assert.deepEqual(grow({ nas: 0, pi: 2 }), ["nas old"], "the second one has the place");
  assert.deepEqual(
    grow({ nas: 0, pi: 1 }),
    ["nas old", "pi old"],
    "what the old one gives back is what it has, not what the new one needs",
  );
  assert.deepEqual(grow({ nas: 0, pi: 3 }), ["nas old", "pi new"]);
});

test("'all' counts a node once that keeps an old one which cannot be replaced now, and has another one besides", () => {
  const all = specWith({}, { replicas: "all", update: { ...specWith().update, order: "stop-first" } });
  const silent = nodeFacts("nas", { record: undefined });
  const old = [
    { id: "aaaa", node: "nas", current: false },
    { id: "bbbb", node: "nas", current: false },
    { id: "cccc", node: "pi", current: false },
  ];
  const { next } = move(all, old, { nodes: [silent, nodeFacts("pi"), nodeFacts("nuc")] });
  assert.ok(next.instances.length <= 3, next.instances.map(({ node }) => node).join());
  assert.ok(
    next.instances.some(({ id }) => id === "aaaa"),
    "the one that cannot be replaced stays",
  );
});
