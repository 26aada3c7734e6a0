import assert from "node:assert/strict";
import { test } from "node:test";
import { entry, houseNode, houseState, join, nodeId, sender } from "../../test/fakes/joining.ts";
import { PROTOCOL } from "./messages.ts";
import { movedNode, openDoor, tryAnother, type DoorView } from "./door.ts";

const view: DoorView = {
  self: sender("a", { house: houseState() }),
  entries: [],
  roster: new Map([[nodeId("a"), houseNode("a")]]),
  joining: "auto",
  clusterVersion: "3.7.3",
  members: ["a:733"],
};

test("who is trusted is queued, and told the house and its members", () => {
  const { change, answer } = openDoor(view, join("b"), "trusted");
  assert.equal(change?.entry.nodeId, nodeId("b"));
  assert.deepEqual([answer.verdict, answer.from.house?.id, answer.members], ["queued", "house1", ["a:733"]]);
});

test("who needs a person waits for one", () => {
  const { change, answer } = openDoor(view, join("b"), "needs approval");
  assert.equal(change, undefined);
  assert.equal(answer.verdict, "waits for approval");
});

test("whom a person or a token let in is queued, and not taken for a former self without asking", () => {
  const { change, answer } = openDoor(view, join("b"), "approved");
  assert.deepEqual([change?.entry.byItself, answer.verdict], [false, "queued"]);
});

test("a stranger is refused without a trace in the store", () => {
  const { change, answer } = openDoor(view, join("b"), "refused");
  assert.equal(change, undefined);
  assert.equal(answer.verdict, "refused");
});

test("who is queued already is told so, and nothing is written", () => {
  const first = openDoor(view, join("b"), "trusted").change;
  assert(first !== undefined);
  const again = openDoor({ ...view, entries: [{ value: first.entry, modRevision: 2, seenAtMs: 0 }] }, join("b"), "trusted");
  assert.equal(again.change, undefined);
  assert.equal(again.answer.verdict, "queued");
});

test("a node of the house is let in again although joining is off", () => {
  const roster = new Map([[nodeId("b"), houseNode("b")]]);
  assert.equal(openDoor({ ...view, roster, joining: "off" }, join("b"), "trusted").answer.verdict, "queued");
  assert.equal(openDoor({ ...view, joining: "off", entries: [entry("c")] }, join("b"), "trusted").answer.verdict, "refused");
});

test("without a store the asker is sent to another member", () => assert.equal(tryAnother(view).verdict, "try another"));

test("a node of the house that moved is written down once, and nobody else is", () => {
  const moved = { protocol: PROTOCOL, kind: "moved", from: sender("a", { addresses: ["x:733"] }), peerUrl: "https://x:2380" } as const;
  const node = movedNode(view.roster, moved, "trusted");
  assert.deepEqual([node?.request.peerUrl, node?.addresses], ["https://x:2380", ["x:733"]]);
  assert(node !== undefined);
  assert.equal(movedNode(new Map([[node.nodeId, node]]), moved, "trusted"), undefined);
  assert.equal(movedNode(view.roster, moved, "needs approval"), undefined);
  assert.equal(movedNode(view.roster, { ...moved, from: sender("b") }, "trusted"), undefined);
});

test("a node of the house becomes a witness, and ends being one, by its own word", () => {
  const moved = { protocol: PROTOCOL, kind: "moved", from: sender("a"), peerUrl: "https://a:2380" } as const;
  const witness = movedNode(view.roster, { ...moved, witness: true }, "trusted");
  assert.equal(witness?.request.fitness.witness, true);
  assert(witness !== undefined);
  const roster = new Map([[witness.nodeId, witness]]);
  assert.equal(movedNode(roster, { ...moved, witness: true }, "trusted"), undefined);
  // Of an older program that only moves.
  assert.equal(movedNode(roster, { ...moved, peerUrl: "https://x:2380" }, "trusted")?.request.fitness.witness, true);
  assert.deepEqual(movedNode(roster, { ...moved, witness: false }, "trusted"), view.roster.get(witness.nodeId));
});
