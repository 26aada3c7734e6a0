import assert from "node:assert/strict";
import { test } from "node:test";
import type { DecidedService, DecidedVolume } from "../../src/api/state.ts";
import { decided, instance, nodeFacts } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import type { NodeFacts } from "./facts.ts";
import { ANYWHERE, freedNodes, isUnsound, reliesOn, waitsForRoom } from "./waiting.ts";

const spec = serviceSpec("app", "app:1");
const nodes = [nodeFacts("nas"), nodeFacts("pi")];
const on = (node: string, of = spec): DecidedService => decided("app", of, [instance("aaaa", node, of)]);
const volumeOn = (node: string): DecidedVolume => ({ node, uid: "u", made: true });
const unsound = (node: string, there: readonly NodeFacts[]): boolean => there.every((each) => each.name !== node || isUnsound(each));
/** What waits is always found by what it relies on. */
const waits = (is: DecidedService, there: readonly NodeFacts[] = nodes): boolean => {
  const isWaiting = waitsForRoom("app", is, there);
  if (isWaiting)
    assert.ok(
      reliesOn(is).some((node) => unsound(node, there)),
      "is not found by what it relies on",
    );
  return isWaiting;
};
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

test("what runs as it should relies on its nodes alone, and what is kept beside a volume elsewhere on any", () => {
  assert.deepEqual(reliesOn(on("nas")), ["nas"]);
  assert.deepEqual(reliesOn(decided("app", { ...spec, replicas: 0 }, [])), []);
  assert.deepEqual(reliesOn(undefined), []);
  assert.deepEqual(reliesOn({ ...on("nas"), volumes: { data: volumeOn("nas") } }), ["nas"]);
  const moved = { ...on("nas"), volumes: { data: volumeOn("pi") } };
  assert.deepEqual(reliesOn(moved), [ANYWHERE]);
  assert.equal(waits(moved), true);
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
