import assert from "node:assert/strict";
import { test } from "node:test";
import { FENCE_AFTER_MS, KILL_LIMIT_MS, TAKEOVER_GRACE_MS } from "../../src/api/fence-times.ts";
import { decided, houseFacts, instance, nodeFacts, observedInstance, seen } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { certainInMs, isOnEach, lingering, nodesCountedOut } from "./lost.ts";

const share = { type: "host", source: "/mnt/share", path: "/share", readOnly: false } as const;
const writer = serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { volumes: [share] })] });
const free = serviceSpec("app", "app:1");
const DOWN_AT = 100_000;
const GONE_AT = 115_000;
const here = { id: "aaaa", node: "nas" };

const lost = nodeFacts("nas", { record: undefined, downSinceMs: DOWN_AT, verdict: 7, goneSinceMs: GONE_AT });
const said = (fenced: boolean, id = "aaaa") =>
  new Map([["nas", { bootId: "b", instances: [observedInstance(id, fenced ? { fenced: true } : {})] }]]);
const house = (over = {}) => houseFacts({ nodes: [lost, nodeFacts("pi")], told: said(true), ...over });

test("what may run twice need not be known to have ended", () => {
  assert.equal(certainInMs(here, free, houseFacts({ nodes: [nodeFacts("nas", { downSinceMs: 1 })] }), 0), 0);
});

test("a promised end is certain once the node is Down, its record gone, and the time for both is over", () => {
  assert.equal(certainInMs(here, writer, house(), DOWN_AT), GONE_AT + TAKEOVER_GRACE_MS - DOWN_AT);
  assert.equal(certainInMs(here, writer, house(), GONE_AT + TAKEOVER_GRACE_MS), 0);
  // With a silent agent the record went long before: then its ingress counts from when it was asked last.
  const early = { ...lost, goneSinceMs: 0 };
  assert.equal(certainInMs(here, writer, house({ nodes: [early] }), DOWN_AT), FENCE_AFTER_MS + KILL_LIMIT_MS);
});

test("time tells nothing of a node that is not Down, whose record is there, or that has promised nothing", () => {
  const later = GONE_AT + 3_600_000;
  for (const over of [
    { nodes: [{ ...lost, downSinceMs: undefined }] },
    { nodes: [{ ...lost, goneSinceMs: undefined }] },
    { told: said(false) },
  ])
    assert.equal(certainInMs(here, writer, house(over), later), Infinity, JSON.stringify(over));
});

test("a node that a person took out of the house is given the time to stop what it ran", () => {
  const out = house({ nodes: [nodeFacts("pi")], told: new Map(), takenOut: new Map([["nas", GONE_AT]]) });
  assert.equal(certainInMs(here, writer, out, GONE_AT + 10_000), 40_000);
  assert.equal(certainInMs(here, writer, out, GONE_AT + 50_000), 0);
  assert.equal(certainInMs(here, free, out, GONE_AT), 0);
  const [first] = writer.containers;
  assert(first !== undefined);
  const slow = { ...writer, containers: [first, { ...first, name: "db", stopGrace: "2m" }] };
  assert.equal(certainInMs(here, slow, out, GONE_AT + 10_000), 150_000, "as long as the slowest of its containers may take to stop");
});

test("of what is to run on each node none is waited for, unless a number of them is wished for or decided by now", () => {
  const each = { ...writer, replicas: "all" as const };
  assert.equal(certainInMs(here, each, house({ told: said(false), isOnEach: true }), DOWN_AT), 0);
  assert.equal(certainInMs(here, each, house({ told: said(false), isOnEach: false }), DOWN_AT), Infinity);
  assert.equal(certainInMs(here, writer, house({ told: said(false), isOnEach: true }), DOWN_AT), Infinity, "it was to run once");
});

test("on each node runs what is wished so and decided so", () => {
  const each = { ...writer, replicas: "all" as const };
  assert.equal(isOnEach(each, decided("app", each, [])), true);
  assert.equal(isOnEach(each, undefined), true);
  assert.equal(isOnEach(writer, decided("app", each, [])), false);
  assert.equal(isOnEach(each, decided("app", writer, [])), false);
  assert.equal(isOnEach(undefined, decided("app", each, [])), true, "it was deleted: nothing takes its place");
});

test("what its node never told of was never started there", () => {
  assert.equal(certainInMs(here, writer, house({ told: new Map() }), GONE_AT + TAKEOVER_GRACE_MS), 0);
});

test("what was taken away and may still run on a node that is Down lingers until that is over", () => {
  const none = decided("app", writer, []);
  assert.deepEqual(lingering(none, house(), GONE_AT), [{ node: "nas", certainInMs: TAKEOVER_GRACE_MS }]);
  assert.deepEqual(lingering(none, house({ told: said(false) }), GONE_AT), [{ node: "nas", certainInMs: Infinity }]);
  assert.deepEqual(lingering(none, house(), GONE_AT + TAKEOVER_GRACE_MS), []);
  assert.deepEqual(lingering(decided("app", writer, [instance("aaaa", "nas", writer)]), house(), GONE_AT), [], "that one is decided");
});

test("a decision that counts a node out holds only while it is Down and gone", () => {
  const before = seen(decided("app", writer, [instance("aaaa", "nas", writer)]));
  const next = decided("app", writer, [instance("bbbb", "pi", writer)]);
  assert.deepEqual(nodesCountedOut(next, house({ decided: before })), { nas: 7 });
  assert.deepEqual(nodesCountedOut(before.value, house({ decided: before })), {}, "it stays there");
  const freely = seen(decided("app", free, [instance("aaaa", "nas", free)]));
  assert.deepEqual(nodesCountedOut(decided("app", free, []), house({ decided: freely })), {}, "two of it do no harm");
});
