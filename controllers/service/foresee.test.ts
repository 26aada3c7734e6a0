import assert from "node:assert/strict";
import { test } from "node:test";
import type { Name } from "../../src/api/resource.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { decided, houseFacts, instance, nodeFacts, observed, observedInstance, seen, service } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import type { NodeFacts } from "./facts.ts";
import { dead, foresee, left, type KnownService } from "./foresee.ts";
import { revisionHash } from "./spec-hash.ts";

const GIB = 2 ** 30;
const nodes = [nodeFacts("nas"), nodeFacts("nuc"), nodeFacts("pi")];

function known(name: Name, spec: ServiceSpec, where: readonly string[], there: readonly NodeFacts[] = nodes): KnownService {
  const instances = where.map((node, index) => instance(`${name}${index}`, node, spec));
  const told = [...new Set(where)].map((node) =>
    observed(
      node,
      instances.filter((each) => each.node === node).map(({ id }) => observedInstance(id)),
    ),
  );
  return {
    desired: service(name, spec),
    house: houseFacts({
      nodes: there,
      decided: seen(decided(name, spec, instances)),
      observed: new Map(told),
      told: new Map(told.map(([node, { value }]) => [node, value])),
    }),
  };
}
const plain = (name: Name, over: Partial<ServiceSpec> = {}): ServiceSpec => ({ ...serviceSpec(name, `${name}:1`), ...over });
const written = (name: Name): ServiceSpec =>
  serviceSpec(name, "", {
    containers: [containerSpec(name, `${name}:1`, { volumes: [{ type: "host", source: "/srv", path: "/srv", readOnly: false }] })],
  });

test("of a node that is drained each instance is named, where it goes, and whether it is away meanwhile", () => {
  const found = foresee([known("web", plain("web"), ["nas"]), known("hub", written("hub"), ["nas"])], "nas", left("drained"));
  assert.deepEqual(
    found.map(({ instance: name, to, stopsFirst }) => [name, to !== undefined && to !== "nas", stopsFirst]),
    [
      ["hub-hub0", true, true],
      ["web-web0", true, false],
    ],
  );
});

test("what stays says why: the same reason of all nodes once, else each node's own", () => {
  const folder = serviceSpec("films", "", {
    containers: [containerSpec("films", "films:1", { volumes: [{ type: "node", node: "nas", source: "/f", path: "/f", readOnly: true }] })],
  });
  const [films] = foresee([known("films", folder, ["nas"])], "nas", left("drained"));
  assert.deepEqual([films?.to, films?.why], [undefined, "a folder of nas is mounted"]);
  const there = [nodeFacts("nas"), nodeFacts("nuc", { schedulable: false }), nodeFacts("pi", { isWitness: true })];
  const [web] = foresee([known("web", plain("web"), ["nas"], there)], "nas", left("drained"));
  assert.deepEqual([web?.to, web?.why], [undefined, "nuc: it is cordoned; pi: it is a witness"]);
  const [alone] = foresee([known("web", plain("web"), ["nas"], [nodeFacts("nas")])], "nas", left("drained"));
  assert.equal(alone?.why, "there is no other node");
});

test("what moves takes up room for what moves after it", () => {
  const there = [nodeFacts("nas"), nodeFacts("pi", {}, { memoryBytes: 8 * GIB })];
  const big = (name: Name): KnownService =>
    known(
      name,
      serviceSpec(name, "", { containers: [containerSpec(name, `${name}:1`, { resources: { memory: "5Gi" } })] }),
      ["nas"],
      there,
    );
  const found = foresee([big("b"), big("a")], "nas", left("drained"));
  assert.deepEqual(
    found.map(({ service: name, to }) => [name, to]),
    [
      ["a", "pi"],
      ["b", undefined],
    ],
  );
  assert.equal(found[1]?.why, "memory: needs 5Gi, 3Gi free");
});

test("of a node that dies what nobody else may run waits, and says why", () => {
  const found = foresee(
    [
      known("hub", written("hub"), ["nas"]),
      known("slow", plain("slow", { failover: { after: "1m" } }), ["nas"]),
      known("tied", plain("tied", { failover: "never" }), ["nas"]),
      known("web", plain("web", { replicas: 2 }), ["nas", "pi"]),
    ],
    "nas",
    dead,
  );
  assert.deepEqual(
    found.map(({ service: name, to, why, afterMs, others }) => [name, to === undefined ? why : "moves", afterMs, others]),
    [
      ["hub", "two at once would do harm, and nobody can tell that nas has stopped it", 15_000, 0],
      ["slow", "moves", 60_000, 0],
      ["tied", "its failover is 'never'", 0, 0],
      ["web", "moves", 15_000, 1],
    ],
  );
});

test("what runs on each node moves nowhere, and what nobody else can take says why", () => {
  const tied = plain("tied", { placement: { spread: "node", require: { nodes: ["nas"] } } });
  const found = foresee(
    [known("agent", plain("agent", { replicas: "all" }), ["nas", "nuc", "pi"]), known("tied", tied, ["nas"])],
    "nas",
    dead,
  );
  assert.deepEqual(
    found.map(({ service: name, to, why, others }) => [name, to, why, others]),
    [
      ["agent", undefined, "it runs once on each node", 2],
      ["tied", undefined, "placement requires nas", 0],
    ],
  );
});

test("what its node has promised to end moves when it dies, too", () => {
  const hub = known("hub", written("hub"), ["nas"]);
  const told = new Map([["nas", { bootId: "b", instances: [observedInstance("hub0", { fenced: true })] }]]);
  const [found] = foresee([{ ...hub, house: { ...hub.house, told } }], "nas", dead);
  assert.notEqual(found?.to, undefined);
});

test("of a drain that is under way the place of an instance is the one that it has already", () => {
  const there = [nodeFacts("nas", { leaving: "drained" }), nodeFacts("pi")];
  const spec = plain("web");
  const instances = [instance("old", "nas", spec), instance("new", "pi", spec)];
  const house = houseFacts({ nodes: there, decided: seen(decided("web", spec, instances)) });
  assert.deepEqual(
    foresee([{ desired: service("web", spec), house }], "nas", left("drained")).map(({ instance: name, to }) => [name, to]),
    [["web-old", "pi"]],
  );
});

test("of an app whose update failed what was good moves, whatever stays to be looked at elsewhere", () => {
  const [one, two] = [plain("web"), { ...plain("web"), containers: [containerSpec("web", "web:2")] }];
  const pausing = { ...two, update: { ...two.update, onFailure: "pause" as const } };
  const target = revisionHash(two);
  const condition = { type: "Ready", status: "False" as const, reason: "CrashLoop", message: "it ends" };
  const value = decided("web", one, [instance("web0", "nas", one), instance("web1", "pi", two, 2)], {
    target,
    failed: { generation: 2, revision: target, reason: "CrashLoop", message: "it ends" },
  });
  const revisions = { ...value.revisions, [target]: { generation: 2, spec: pausing } };
  const told = new Map([
    observed("nas", [observedInstance("web0")]),
    observed("pi", [observedInstance("web1", { ready: false, conditions: [condition] })]),
  ]);
  const house = houseFacts({ nodes, decided: seen({ ...value, revisions }), observed: told });
  const found = foresee([{ desired: service("web", pausing, 2), house }], "nas", left("drained"));
  assert.deepEqual(
    found.map(({ instance: name, to }) => [name, to]),
    [["web-web0", "nuc"]],
  );
});

test("the same house gives the same answer, whatever the order of its Services", () => {
  const services = [known("web", plain("web"), ["nas"]), known("hub", written("hub"), ["nas"])];
  assert.deepEqual(foresee(services, "nas", dead), foresee(services.toReversed(), "nas", dead));
});
