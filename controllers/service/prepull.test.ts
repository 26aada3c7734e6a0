import assert from "node:assert/strict";
import { test } from "node:test";
import type { DecidedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { decided, houseFacts, instance, localFacts, nodeFacts, observed, seen } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import type { HouseFacts, LocalFacts } from "./facts.ts";
import { jobKeys } from "./job-keys.ts";
import { isRoomy, prepull, prepulledImages } from "./prepull.ts";

const NODES = ["a", "b", "c", "d", "e"];
const NOW = 1_000_000;
const spec = serviceSpec("app", "app:1");
const running = (of: ServiceSpec = spec, over: Partial<DecidedService> = {}): HouseFacts =>
  houseFacts({ nodes: NODES.map((name) => nodeFacts(name)), decided: seen(decided("app", of, [instance("aaaa", "a", of)], over)) });
const prepared = (house: HouseFacts): readonly string[] => NODES.filter((node) => prepulledImages("app", house, node).length > 0);
const due = (house: HouseFacts, local: Partial<LocalFacts> = {}) => {
  const [node = ""] = prepared(house);
  return prepull("app", { house, local: localFacts(local), node }, NOW);
};

test("nothing is pulled beforehand onto a disk of which a fifth, and 4 GiB, are not free", () => {
  const GiB = 2 ** 30;
  const at = (free: number, total: number) => isRoomy({ freeBytes: free * GiB, totalBytes: total * GiB });
  assert.deepEqual([at(20, 100), at(19, 100), at(4, 10), at(3, 10)], [true, false, true, false]);
});

test("two nodes besides the one that runs it pull its images, once all of it is good", () => {
  const two = prepared(running());
  assert.equal(two.length, 2);
  assert.ok(!two.includes("a"));
  assert.deepEqual(due(running()).actions, [
    { kind: "PullImage", service: "app", image: "app:1", key: jobKeys.prepull("app", "app:1"), isEarly: true },
  ]);
  assert.deepEqual(prepared(running(spec, { good: "another" })), []);
});

test("nodes that pulled already stay the ones, whatever the load elsewhere is", () => {
  const house = running();
  const [first = "", second = ""] = NODES.slice(1).filter((node) => !prepared(house).includes(node));
  const told = (node: string) => {
    const [name, fact] = observed(node, []);
    return [name, { ...fact, value: { ...fact.value, pulled: ["app:1"] } }] as const;
  };
  assert.deepEqual(prepared({ ...house, observed: new Map([told(second), told(first)]) }), [first, second].sort());
});

test("what goes nowhere else, or is on each node, or is not to be pulled is not", () => {
  const pinned: ServiceSpec = { ...spec, failover: "never" };
  const everywhere: ServiceSpec = { ...spec, replicas: "all" };
  const unwanted: ServiceSpec = { ...spec, placement: { spread: "node", prepull: false } };
  const loaded: ServiceSpec = { ...spec, containers: spec.containers.map((each) => ({ ...each, pull: "never" as const })) };
  for (const each of [pinned, everywhere, unwanted, loaded, { ...spec, replicas: 0 }]) assert.deepEqual(prepared(running(each)), []);
  const away = running();
  const only = { ...away, nodes: away.nodes.map((node) => (node.name === "a" ? node : { ...node, schedulable: false })) };
  assert.deepEqual(prepared(only), []);
});

test("nothing is pulled that is here, nor onto a disk that is nearly full, nor while Docker is away", () => {
  const image = { id: "sha256:1", digests: [], tags: [], arch: "amd64", hasHealthcheck: false, exposedTcpPorts: [], bytes: 1 };
  assert.deepEqual(due(running(), { images: { "app:1": image } }).actions, []);
  assert.deepEqual(due(running(), { hasRoom: false }).actions, []);
  assert.deepEqual(due(running(), { containers: undefined }).actions, []);
});

test("a pull that failed is tried again a minute later, and one that runs is not begun twice", () => {
  const key = jobKeys.prepull("app", "app:1");
  const failed = { state: "failed", error: new Error("away"), tries: 1, atMs: NOW - 1_000 } as const;
  const early = due(running(), { jobs: { [key]: failed } });
  assert.deepEqual([early.actions, early.waitMs], [[], 59_000]);
  assert.equal(due(running(), { jobs: { [key]: { ...failed, atMs: NOW - 60_000 } } }).actions.length, 1);
  assert.deepEqual(due(running(), { jobs: { [key]: { state: "running", sinceMs: 0 } } }).actions, []);
});
