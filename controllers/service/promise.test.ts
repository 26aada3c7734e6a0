import assert from "node:assert/strict";
import { test } from "node:test";
import { decided, instance, observedInstance, seen } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { endingContainers, endsWithContact, promiseOf } from "./promise.ts";

const share = { type: "host", source: "/mnt/share", path: "/share", readOnly: false } as const;
const writer = serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { volumes: [share] })] });
const promised = seen({ bootId: "b", instances: [observedInstance("aaaa", { fenced: true })] });

test("a promise is wanted of what must not run twice and may move, in a house where others may decide", () => {
  const wanted = (spec = writer, voters = 3) => promiseOf(spec, "aaaa", { reported: undefined, voters }).isWanted;
  assert.equal(wanted(), true);
  assert.equal(wanted(writer, 1), false);
  assert.equal(wanted(serviceSpec("app", "app:1")), false);
  assert.equal(wanted({ ...writer, failover: "never" }), false);
  assert.equal(wanted({ ...writer, replicas: "all" }), false, "each node has its own, and none starts another's");
  assert.equal(wanted({ ...writer, placement: { spread: "node", require: { nodes: ["nas"] } } }), false);
  const local = { type: "volume", name: "data", path: "/data", readOnly: false } as const;
  assert.equal(wanted(serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { volumes: [local] })] })), false);
});

test("a promise is given once the house has it, and stays as it is while nobody knows how many vote", () => {
  assert.equal(promiseOf(writer, "aaaa", { reported: promised, voters: 0 }).isWanted, true);
  assert.equal(promiseOf(writer, "aaaa", { reported: undefined, voters: 0 }).isWanted, false);
  assert.equal(promiseOf(writer, "aaaa", { reported: promised, voters: 1 }).isGiven, true);
});

test("what was promised ends with the contact, also when it is not decided any more or wanted no longer", () => {
  const own = decided("app", writer, [instance("aaaa", "nas", writer)]);
  const containers = [
    { id: "c1", instance: "aaaa" },
    { id: "c2", instance: "bbbb" },
  ];
  assert.deepEqual(endingContainers(containers, undefined, { reported: promised, voters: 3 }), ["c1"]);
  assert.deepEqual(endingContainers(containers, own, { reported: undefined, voters: 3 }), ["c1"]);
  assert.equal(endsWithContact("aaaa", own, { reported: promised, voters: 1 }), true);
  assert.equal(endsWithContact("aaaa", own, { reported: undefined, voters: 1 }), false);
});
