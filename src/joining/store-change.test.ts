import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../api/keys.ts";
import { entry, houseNode, nodeId, view } from "../../test/fakes/joining.ts";
import type { ActiveAdmission } from "./house-view.ts";
import { houseRecords } from "./house-records.ts";
import { isMemberStep, queueChange, storeChange, type StoreChange, type WritingStep } from "./store-change.ts";

const active: ActiveAdmission = {
  nodeId: nodeId("n"),
  name: "n",
  peerUrl: "https://n:2380",
  memberName: "",
  role: "learner",
  step: "adding",
  until: "",
};
const queued = entry("n");
const change = (step: WritingStep): StoreChange => {
  const made = storeChange(step, view({ workers: "w", entries: [queued] }));
  assert(made !== undefined);
  return made;
};
const touched = ({ compare, writes }: StoreChange): readonly unknown[] => [
  compare.map(({ key, modRevision }) => `${key} ${modRevision}`),
  writes.map((write) => ("put" in write ? `put ${write.put}` : `delete ${write.delete}`)),
];

test("an admission begins only where there is none", () => {
  assert.deepEqual(touched(change({ kind: "activate", active })), [[`${keys.admission} 0`], [`put ${keys.admission}`]]);
});

test("an admission goes on, ends and is given up only from where it was seen", () => {
  const admission = `${keys.admission} 9`;
  const key = keys.queued(nodeId("n"));
  assert.deepEqual(touched(change({ kind: "advance", active, modRevision: 9 })), [[admission], [`put ${keys.admission}`]]);
  const finish = change({ kind: "finish", node: houseNode("n"), replaces: nodeId("b"), modRevision: 9 });
  assert.deepEqual(touched(finish), [
    [admission],
    [
      `delete ${keys.admission}`,
      `delete ${key}`,
      `delete ${keys.waiting(nodeId("n"))}`,
      `put ${keys.houseNode(nodeId("n"))}`,
      `delete ${keys.houseNode(nodeId("b"))}`,
      `delete ${keys.queued(nodeId("b"))}`,
      `put ${keys.leaving(nodeId("b"))}`,
    ],
  ]);
  const givenUp = change({ kind: "give-up", modRevision: 9, entry: queued, order: 7, why: "" });
  assert.deepEqual(touched(givenUp), [
    [admission, `${key} 5`],
    [`delete ${keys.admission}`, `put ${key}`],
  ]);
});

test("whose place was taken is struck off in the same moment, and one that came back with its own key is not", () => {
  const leaves = (replaces: string, strikesOff = true): readonly string[] =>
    change({ kind: "finish", node: houseNode("n", { name: "nas" }), replaces, strikesOff, modRevision: 9 }).writes.flatMap((write) =>
      "put" in write && write.put.startsWith(keys.leaving("")) ? [`${write.put} ${write.value}`] : [],
    );
  assert.deepEqual(leaves(nodeId("b"), false), [`${keys.leaving(nodeId("b"))} {"name":"nas","removed":false}`]);
  assert.deepEqual(leaves(nodeId("b")), [`${keys.leaving(nodeId("b"))} {"name":"nas","removed":true}`]);
  assert.deepEqual(leaves(nodeId("n")), []);
});

test("entries change only as they were seen, and a worker is called once", () => {
  const key = keys.queued(nodeId("n"));
  assert.deepEqual(touched(change({ kind: "postpone", entry: queued, order: 7, missed: false })), [[`${key} 5`], [`put ${key}`]]);
  assert.deepEqual(touched(change({ kind: "drop", entry: queued, why: "" })), [[`${key} 5`], [`delete ${key}`]]);
  const worker = keys.queued(nodeId("w"));
  assert.deepEqual(touched(change({ kind: "recruit", nodeId: nodeId("w"), why: "" })), [[`${worker} 0`], [`put ${worker}`]]);
  assert.equal(storeChange({ kind: "recruit", nodeId: nodeId("x"), why: "" }, view()), undefined);
});

test("a newer installation takes the entry of the older one in the same transaction", () => {
  const made = queueChange({ kind: "put", entry: queued.value, modRevision: 0, removes: [entry("o")] });
  assert.deepEqual(touched(made), [
    [`${keys.queued(nodeId("n"))} 0`, `${keys.queued(nodeId("o"))} 5`],
    [`delete ${keys.queued(nodeId("o"))}`, `put ${keys.queued(nodeId("n"))}`],
  ]);
});

test("a call of etcd is no transaction", () => {
  assert(isMemberStep({ kind: "add-learner", peerUrl: "" }));
  assert(!isMemberStep({ kind: "activate", active }));
});

test("what was written is read as it was", () => {
  const writes = [change({ kind: "activate", active }), change({ kind: "postpone", entry: queued, order: 1, missed: false })].flatMap(
    (each) => each.writes,
  );
  const listed = writes.flatMap((write) => ("put" in write ? [{ key: write.put, value: write.value, modRevision: 3 }] : []));
  const records = houseRecords(
    [...listed, { key: keys.houseNode(nodeId("a")), value: JSON.stringify(houseNode("a")), modRevision: 1 }],
    () => 4,
  );
  assert.deepEqual(records.active, { value: active, modRevision: 3, seenAtMs: 4 });
  assert.deepEqual(records.entries, [{ value: queued.value, modRevision: 3, seenAtMs: 4 }]);
  assert.deepEqual(records.roster.get(nodeId("a")), houseNode("a"));
});
