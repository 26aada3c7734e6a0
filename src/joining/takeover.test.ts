import assert from "node:assert/strict";
import { test } from "node:test";
import { judgeTakeover, type OtherVoter, type TakeoverView } from "./takeover.ts";

const nas: OtherVoter = { nodeId: "id-nas", name: "nas", agentAnswers: false, storeAnswers: false };
const gone: TakeoverView = { hasStore: true, hasQuorum: false, others: [nas], ignoresAddress: false };
const reason = (over: Partial<TakeoverView>): string => {
  const verdict = judgeTakeover({ ...gone, ...over });
  return verdict.kind === "refused" ? verdict.reason : "";
};

test("a standby may take over when agent, store and address of the only voter are silent, and is told what that means", () => {
  const verdict = judgeTakeover(gone);
  assert.ok(verdict.kind === "may");
  assert.match(verdict.warnings.join(" "), /If nas only cannot be reached, both run on.*it sets its data aside and joins again/);
});

test("nothing is taken over from a voter of which anything answers", () => {
  assert.match(reason({ hasQuorum: true }), /store answers/);
  assert.match(reason({ others: [{ ...nas, storeAnswers: true }] }), /the store of nas answers/);
  assert.match(reason({ others: [{ ...nas, agentAnswers: true }], ignoresAddress: true }), /Fossora on nas answers/);
  assert.match(reason({ others: [{ ...nas, answersAt: "10.0.0.2" }] }), /something answers at 10.0.0.2/);
  assert.match(reason({ others: [nas, { ...nas, name: "pi", storeAnswers: true }] }), /the store of pi/);
});

test("an address that another computer has now may be passed over", () => {
  assert.equal(reason({ others: [{ ...nas, answersAt: "10.0.0.2" }], ignoresAddress: true }), "");
});

test("a worker has nothing to go on from, and a lone voter nobody to take over from", () => {
  assert.match(reason({ hasStore: false }), /no store of its own/);
  assert.match(reason({ others: [] }), /no other computer/);
});
