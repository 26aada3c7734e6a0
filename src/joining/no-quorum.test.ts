import assert from "node:assert/strict";
import { test } from "node:test";
import { whyNoQuorum } from "./no-quorum.ts";

const voter = (name: string, answers = false) => ({ nodeId: `id-${name}`, name, answers });

test("of two computers, the one that keeps the state is named; the standby may take over", () => {
  const voters = [voter("nas")];
  assert.deepEqual(whyNoQuorum({ self: "id-attic", isStandby: true, voters }), {
    reason: "nas alone keeps the house's state, and does not answer",
    next: "start nas; if it is gone for good, fossora takeover",
  });
  assert.match(whyNoQuorum({ self: "id-attic", isStandby: false, voters }).next, /type on the standby: fossora takeover/);
});

test("of three, those that are away are named, and how many must come back", () => {
  const voters = [voter("attic", true), voter("nas"), voter("pi")];
  assert.deepEqual(whyNoQuorum({ self: "id-attic", isStandby: false, voters }), {
    reason: "nas and pi do not answer, two of the three that vote",
    next: "start nas or pi, or mend this computer's network",
  });
  const five = [...voters, voter("den", true), voter("hut")];
  assert.equal(whyNoQuorum({ self: "id-attic", isStandby: false, voters: five }).next, "start nas or pi or hut");
});

test("a store that is away although its agent answers, and this computer's own, are told apart", () => {
  assert.deepEqual(whyNoQuorum({ self: "id-attic", isStandby: true, voters: [voter("nas", true)] }), {
    reason: "the store of nas does not answer",
    next: "fossora status, on nas",
  });
  assert.match(whyNoQuorum({ self: "id-nas", isStandby: false, voters: [voter("nas")] }).reason, /this computer's store/);
});

test("where enough are there already, one waits", () => {
  const voters = [voter("attic", true), voter("nas", true), voter("pi")];
  assert.match(whyNoQuorum({ self: "id-attic", isStandby: false, voters }).next, /wait a moment/);
});
