import assert from "node:assert/strict";
import { test } from "node:test";
import type { DecidedService } from "../../src/api/state.ts";
import { decided, instance, nodeFacts } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { freedNodes, waitsForRoom } from "./waiting.ts";

const spec = serviceSpec("app", "app:1");
const nodes = [nodeFacts("nas"), nodeFacts("pi")];
const on = (node: string, of = spec): DecidedService => decided("app", of, [instance("aaaa", node, of)]);
const waits = (is: DecidedService, there = nodes): boolean => waitsForRoom("app", is, there);
const nasIs = (over: Parameters<typeof nodeFacts>[1]) => [nodeFacts("nas", over), nodeFacts("pi")];

test("what runs as it should waits for no room, and what is stopped none", () => {
  assert.equal(waits(on("nas")), false);
  assert.equal(waits(decided("app", { ...spec, replicas: 0 }, [])), false);
});

test("what has no place waits for room, and what an update has not brought out yet", () => {
  assert.equal(waits(decided("app", spec, [])), true);
  const newer = serviceSpec("app", "app:2");
  const target = decided("app", newer, []);
  assert.equal(waits({ ...target, revisions: { ...on("nas").revisions, ...target.revisions }, instances: on("nas").instances }), true);
  assert.equal(waits({ ...on("nas"), instances: [{ ...instance("aaaa", "nas", spec), to: "pi" }] }), true);
});

test("what is to go elsewhere waits for room, but for what may not", () => {
  for (const over of [{ downSinceMs: 1 }, { leaving: "drained" }, { leaving: "stopping" }, { isWitness: true }] as const)
    assert.equal(waits(on("nas"), nasIs(over)), true, JSON.stringify(over));
  const pinned = { ...spec, placement: { spread: "node" as const, require: { nodes: ["pi"] } } };
  assert.equal(waits(on("nas", pinned)), true);
  assert.equal(waits(on("nas", { ...spec, failover: "never" }), nasIs({ downSinceMs: 1 })), false);
  const own = { type: "volume", name: "data", path: "/data", readOnly: false } as const;
  const holding = serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { volumes: [own] })] });
  assert.equal(waits(on("nas", holding), nasIs({ downSinceMs: 1 })), false);
});

test("of `all` each node waits that may have one and has none", () => {
  const each = { ...spec, replicas: "all" as const };
  assert.equal(waits(on("nas", each)), true);
  assert.equal(waits(on("nas", each), [nodeFacts("nas"), nodeFacts("pi", { schedulable: false })]), false);
  assert.equal(waits(on("nas", { ...each, placement: { spread: "node", require: { nodes: ["nas"] } } })), false);
});

test("freed are the nodes of what a decision does not name any more", () => {
  assert.deepEqual([...freedNodes(["nas 1 0 0", "nas 1 0 1", "pi 1 0 0"], ["nas 1 0 0", "pi 1 0 0", "nuc 1 0 0"])], ["nas"]);
  assert.deepEqual([...freedNodes([], ["nas 1 0 0"])], []);
});
