import assert from "node:assert/strict";
import { test } from "node:test";
import type { Name } from "../../src/api/resource.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { decided, houseFacts, instance, nodeFacts, observed, observedInstance, seen, service } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { decide } from "./decide.ts";
import type { NodeFacts } from "./facts.ts";
import type { KnownService } from "./foresee.ts";
import { rebalance, withMove } from "./rebalance.ts";

const MIB = 2 ** 20;
const SIZE = 8 * 2 ** 30;

function nodesWith(counts: Readonly<Record<string, number>>, over: Partial<NodeFacts> = {}): readonly NodeFacts[] {
  return Object.entries(counts).map(([name, count]) =>
    nodeFacts(name, { load: { instances: count, memoryBytes: count * 128 * MIB, cpus: 0 }, ...over }, { memoryBytes: SIZE }),
  );
}
function known(name: Name, where: string, nodes: readonly NodeFacts[], over: Partial<ServiceSpec> = {}): KnownService {
  const spec = { ...serviceSpec(name, `${name}:1`), ...over };
  const one = instance(`${name}1`, where, spec);
  const told = new Map([observed(where, [observedInstance(one.id)])]);
  return { desired: service(name, spec), house: houseFacts({ nodes, decided: seen(decided(name, spec, [one])), observed: told }) };
}
const moves = (services: readonly KnownService[]): readonly string[] =>
  rebalance(services).map(({ instance: name, from, to }) => `${name} ${from} ${to ?? ""}`);

test("a house in which one node has all is evened out", () => {
  const nodes = nodesWith({ nas: 4, pi: 0 });
  const services = ["a", "b", "c", "d"].map((name) => known(name, "nas", nodes));
  assert.deepEqual(moves(services), ["a-a1 nas pi", "b-b1 nas pi"]);
  assert.deepEqual(moves(services.toReversed()), ["a-a1 nas pi", "b-b1 nas pi"], "whatever their order");
});

test("a house that is even moves nothing, nor one in which nothing is won", () => {
  const even = nodesWith({ nas: 1, pi: 1 });
  assert.deepEqual(moves([known("a", "nas", even), known("b", "pi", even)]), []);
  const one = nodesWith({ nas: 1, pi: 0 });
  assert.deepEqual(moves([known("a", "nas", one)]), []);
  assert.deepEqual(moves([]), []);
});

test("what has data, must not run twice, is everywhere or is not to move stays, and what is not ready", () => {
  const nodes = nodesWith({ nas: 4, pi: 0 });
  const mounting = (volume: NonNullable<ReturnType<typeof containerSpec>["volumes"]>[number]): Partial<ServiceSpec> => ({
    containers: [containerSpec("x", "x:1", { volumes: [volume] })],
  });
  const bound: readonly Partial<ServiceSpec>[] = [
    mounting({ type: "volume", name: "c", path: "/c", readOnly: true }),
    mounting({ type: "host", source: "/srv", path: "/srv", readOnly: false }),
    mounting({ type: "node", node: "nas", source: "/srv", path: "/srv", readOnly: true }),
    { replicas: "all" },
    { failover: "never" },
    { placement: { spread: "node", require: { nodes: ["nas"] } } },
    { placement: { spread: "node", prefer: { nodes: ["nas"] } } },
  ];
  for (const over of bound) assert.deepEqual(moves([known("a", "nas", nodes, over)]), [], JSON.stringify(over));
  const { desired, house } = known("a", "nas", nodes);
  assert.deepEqual(moves([{ desired, house: { ...house, observed: new Map() } }]), []);
});

test("nothing goes where it does not fit", () => {
  const cordoned = [...nodesWith({ nas: 4 }), ...nodesWith({ pi: 0 }, { schedulable: false })];
  assert.deepEqual(moves(["a", "b"].map((name) => known(name, "nas", cordoned))), []);
});

test("a move that was asked for is carried out as an update is: there first, then gone; and forgotten where it cannot be", () => {
  const nodes = [nodeFacts("nas"), nodeFacts("nuc"), nodeFacts("pi", { load: { instances: 9, memoryBytes: 0, cpus: 0 } })];
  const { desired, house } = known("a", "nas", nodes);
  const before = house.decided?.value ?? assert.fail();
  const asked = withMove(before, "a1", "pi") ?? assert.fail();
  const began = decide("a", desired, { ...house, decided: seen(asked) }, 60_000).next;
  assert.deepEqual(
    began?.instances.map(({ node }) => node),
    ["nas", "pi"],
    "although others have less to do",
  );
  const added = began?.instances[1] ?? assert.fail();
  const told = new Map([...house.observed, observed("pi", [observedInstance(added.id)])]);
  const done = decide("a", desired, { ...house, decided: seen(began ?? asked), observed: told }, 60_000).next;
  assert.deepEqual(
    done?.instances.map(({ node }) => node),
    ["pi"],
  );

  const without = nodes.map((node) => (node.name === "pi" ? { ...node, schedulable: false } : node));
  const forgotten = decide("a", desired, { ...house, nodes: without, decided: seen(asked) }, 60_000).next;
  assert.deepEqual(forgotten?.instances, before.instances, "nor does it move when there is room again");
  assert.equal(withMove(before, "zzzz", "pi"), undefined);
});
