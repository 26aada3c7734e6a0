import assert from "node:assert/strict";
import { test } from "node:test";
import { entry, houseNode, nodeId, sender, view } from "../../test/fakes/joining.ts";
import type { ActiveAdmission, HouseNode } from "./house-view.ts";
import { admit, broadcast, memberAddresses } from "./broadcast.ts";

const active: ActiveAdmission = {
  nodeId: nodeId("c"),
  name: "c",
  peerUrl: "https://c:2380",
  memberName: `${nodeId("c")}-i1`,
  role: "learner",
  step: "adding",
  until: "",
};

test("everybody in the queue hears who is at the head, and where the members are", () => {
  const entries = [entry("c", { order: 2 }), entry("d", { order: 1 }), entry("e", { order: 3 })];
  const { message, to } = broadcast(view({ voters: "ab", entries }), sender("a"));
  assert.deepEqual(to, [["c:733"], ["d:733"], ["e:733"]]);
  assert.deepEqual([message.head, message.members, message.term], [nodeId("d"), ["a:733", "b:733"], 2]);
});

test("while an admission is under way it names the one that is admitted, to all", () => {
  const entries = [entry("c", { order: 2 }), entry("d", { order: 1 })];
  const { message, to } = broadcast(view({ entries, active: { value: active, modRevision: 1, seenAtMs: 0 } }), sender("a"));
  assert.equal(message.head, nodeId("c"));
  assert.equal(to.length, 2);
});

test("nobody is admitted before the member is added", () => {
  assert.equal(admit(view({ entries: [entry("c")] })), undefined);
  assert.equal(admit(view({ entries: [entry("c")], active: { value: active, modRevision: 1, seenAtMs: 0 } })), undefined);
});

test("the best address of each comes before any other, and a part of a large house is enough", () => {
  const node = (letter: string, ...addresses: string[]): HouseNode => houseNode(letter, { addresses });
  const roster = new Map([
    ["a", node("a", "a1", "a2")],
    ["b", node("b", "b1")],
  ]);
  assert.deepEqual(memberAddresses({ roster }), ["a1", "b1", "a2"]);
  const large = new Map(Array.from({ length: 40 }, (_, index) => [String(index), node("a", "x", "y")]));
  assert.equal(memberAddresses({ roster: large }).length, 64);
});
