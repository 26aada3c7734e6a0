import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, ServiceSpec } from "../../src/api/types.ts";
import { nodeFacts } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { fitness, fullPart, isForbidden, place, roomFor, type Wanted } from "./placement.ts";

const wanted = (over: Partial<ServiceSpec> = {}, container: Partial<Container> = {}): Wanted => ({
  service: "app",
  spec: serviceSpec("app", "app:1", { containers: [containerSpec("app", "app:1", container)], ...over }),
  volumes: {},
});
const nobody = new Map<string, number>();
const full = { load: { instances: 9, memoryBytes: 7 * 2 ** 30, cpus: 0 } };

test("place() takes the node with the least load", () => {
  assert.equal(place(wanted(), [nodeFacts("a", full), nodeFacts("b")], nobody)?.node, "b");
});

test("place() spreads over nodes before it looks at load", () => {
  assert.equal(place(wanted(), [nodeFacts("a", full), nodeFacts("b")], new Map([["b", 1]]))?.node, "a");
  assert.equal(place(wanted({ placement: { spread: "none" } }), [nodeFacts("a", full), nodeFacts("b")], new Map([["b", 1]]))?.node, "b");
});

test("place() follows a preference, but not to a node that does not fit", () => {
  const prefer = wanted({ placement: { spread: "node", prefer: { nodes: ["b"] } } });
  assert.equal(
    place(prefer, [nodeFacts("a"), nodeFacts("b", { load: { instances: 3, memoryBytes: 2 ** 30, cpus: 0 } })], nobody)?.node,
    "b",
  );
  assert.equal(place(prefer, [nodeFacts("a"), nodeFacts("b", { schedulable: false })], nobody)?.node, "a");
});

test("place() gives the same node whatever the order of the list", () => {
  const nodes = ["a", "b", "c"].map((name) => nodeFacts(name));
  assert.equal(place(wanted(), nodes, nobody)?.node, place(wanted(), nodes.toReversed(), nobody)?.node);
});

const misfits: readonly (readonly [string, Wanted, Parameters<typeof nodeFacts>[1], Parameters<typeof nodeFacts>[2], RegExp])[] = [
  ["is Down", wanted(), { downSinceMs: 0 }, {}, /Down/],
  ["has no record", wanted(), { record: undefined }, {}, /silent/],
  ["is a witness", wanted(), { isWitness: true }, {}, /witness/],
  ["is cordoned", wanted(), { schedulable: false }, {}, /cordoned/],
  ["has another arch", wanted({ placement: { spread: "node", require: { arch: ["arm64"] } } }), {}, {}, /amd64/],
  ["is not among the nodes required", wanted({ placement: { spread: "node", require: { nodes: ["pi"] } } }), {}, {}, /requires pi/],
  ["lacks a label", wanted({ placement: { spread: "node", require: { labels: { disk: "big" } } } }), {}, {}, /disk=big/],
  ["lacks a device", wanted({}, { devices: [{ class: "gpu" }] }), {}, {}, /'gpu'/],
  [
    "has too little memory",
    wanted({}, { resources: { memory: "6Gi" } }),
    { load: { instances: 1, memoryBytes: 4 * 2 ** 30, cpus: 0 } },
    {},
    /needs 6Gi, 4Gi free/,
  ],
  [
    "has too few CPUs left",
    wanted({}, { resources: { cpus: 1.5 } }),
    { load: { instances: 2, memoryBytes: 0, cpus: 3 } },
    {},
    /^CPUs: needs 1.5, 1 free$/,
  ],
  ["has a full disk", wanted(), {}, { diskFreeBytes: 300 * 2 ** 20 }, /^its disk is full: 300Mi free$/],
  ["is drained", wanted(), { leaving: "drained" }, {}, /^it is drained$/],
  ["is about to stop", wanted(), { leaving: "stopping" }, {}, /about to stop/],
  ["has too few CPUs", wanted({}, { resources: { cpus: 8 } }), {}, {}, /4 CPUs/],
  [
    "is not the one whose folder is mounted",
    wanted({}, { volumes: [{ type: "node", node: "pi", source: "/x", path: "/x", readOnly: true }] }),
    {},
    {},
    /folder of pi/,
  ],
  [
    "does not have the data",
    { ...wanted(), volumes: { "app-config": { node: "pi", uid: "u", made: true } } },
    {},
    {},
    /'app-config' is on pi/,
  ],
];
for (const [what, want, facts, record, reason] of misfits) {
  test(`a node does not fit that ${what}, and fitness() says so`, () => {
    const node = nodeFacts("nas", facts, record);
    assert.equal(place(want, [node], nobody), undefined);
    assert.match(fitness(want, [node])[0]?.reason ?? "", reason);
  });
}

test("isForbidden() is about the spec, not about the state of the node", () => {
  assert.ok(!isForbidden(wanted(), nodeFacts("nas", { schedulable: false, downSinceMs: 0 })));
  assert.ok(isForbidden(wanted({ placement: { spread: "node", require: { nodes: ["pi"] } } }), nodeFacts("nas")));
});

test("place() says why: what binds it, or that it was the least loaded", () => {
  assert.equal(place(wanted(), [nodeFacts("nas")], nobody)?.why, "the only node that fits");
  const gpu = nodeFacts("nas", {}, { devices: [{ class: "gpu", paths: ["/dev/dri"], groups: [] }] });
  assert.equal(place(wanted({}, { devices: [{ class: "gpu" }] }), [gpu], nobody)?.why, "has gpu");
});

test("place() goes by what is scarcest: memory, CPUs, or a disk that is nearly full", () => {
  const busy = nodeFacts("a", { load: { instances: 1, memoryBytes: 0, cpus: 3 } });
  const idle = nodeFacts("b", { load: { instances: 1, memoryBytes: 2 ** 30, cpus: 0 } });
  assert.equal(place(wanted(), [busy, idle], nobody)?.node, "b");
  const full = nodeFacts("b", {}, { diskFreeBytes: 5 * 2 ** 30 });
  assert.equal(place(wanted(), [nodeFacts("a", { load: { instances: 9, memoryBytes: 0, cpus: 0 } }), full], nobody)?.node, "a");
});

test("fullPart() takes no notice of a disk that is merely used", () => {
  assert.equal(fullPart(nodeFacts("a", {}, { diskFreeBytes: 30 * 2 ** 30 })), 0);
  assert.equal(fullPart(nodeFacts("a")), 0, "an older release does not say");
  assert.ok(Math.abs(fullPart(nodeFacts("a", {}, { diskFreeBytes: 10 * 2 ** 30 })) - 0.5) < 0.001);
});

test("roomFor() counts how many more fit, node by node", () => {
  const half = wanted({}, { resources: { cpus: 1 } });
  const nodes = [
    nodeFacts("a", { load: { instances: 0, memoryBytes: 0, cpus: 2 } }),
    nodeFacts("b", { leaving: "drained" }),
    nodeFacts("c"),
  ];
  assert.equal(roomFor(half, nodes, 10), 6);
  assert.equal(roomFor(half, nodes, 3), 3);
});

test("a node that has pulled its images is taken before an emptier one", () => {
  const full = nodeFacts("full", { load: { instances: 9, memoryBytes: 4 * 2 ** 30, cpus: 0 } });
  const nodes = [full, nodeFacts("empty")];
  assert.equal(place(wanted(), nodes, new Map())?.node, "empty");
  assert.equal(place({ ...wanted(), prepared: new Set(["full"]) }, nodes, new Map())?.node, "full");
});
