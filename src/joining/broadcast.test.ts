import assert from "node:assert/strict";
import { test } from "node:test";
import { entry, nodeId, sender, view } from "../../test/fakes/joining.ts";
import type { ActiveAdmission } from "./house-view.ts";
import { admit, broadcast, memberAddresses } from "./broadcast.ts";

const active: ActiveAdmission = {
  nodeId: nodeId("c"),
  peerUrl: "https://c:2380",
  memberName: `${nodeId("c")}-i1`,
  role: "learner",
  step: "adding",
  until: "",
};

test("everybody in the queue hears who is at the head, and where the members are", () => {
  const entries = [entry("c", { order: 2 }), entry("d", { order: 1 }), entry("e", { approved: false })];
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

test("of a large house a part of the addresses is enough", () => {
  const { roster } = view({ voters: "abcdefghijklmnopqrstuvwxyz" });
  assert.equal(memberAddresses({ roster }).length, 26);
});
