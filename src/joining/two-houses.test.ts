import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { houseState } from "../../test/fakes/joining.ts";
import { isEmpty, meet, speaksFor } from "./two-houses.ts";

const empty = { nodes: 1, hasObjects: false } as const;

test("an empty house of one gives itself up for one that is not", () => {
  assert.equal(meet(houseState(empty), houseState({ id: "house2" })), "give up");
  assert.equal(meet(houseState(), houseState({ id: "house2", ...empty })), "they give up");
});

test("of two empty houses the lower id stays", () => {
  assert.equal(meet(houseState(empty), houseState({ id: "house0", ...empty })), "give up");
  assert.equal(meet(houseState(empty), houseState({ id: "house2", ...empty })), "they give up");
});

test("two houses with objects, or with several nodes, stay apart", () => {
  assert.equal(meet(houseState({ nodes: 1 }), houseState({ id: "house2", nodes: 1 })), "stay apart");
  assert.equal(meet(houseState({ hasObjects: false }), houseState({ id: "house2" })), "stay apart");
});

test("the higher epoch of a house counts", () => {
  assert.equal(meet(houseState(), houseState({ epoch: 1 })), "ours is older");
  assert.equal(meet(houseState({ epoch: 1 }), houseState()), "same");
  assert.equal(meet(houseState({ epoch: 1 }), houseState({ epoch: 1, clusterId: "c2" })), "stay apart");
});

test("what a house says of its nodes counts for those that know it as it is, or as it was before it was taken over", () => {
  assert.equal(speaksFor(houseState(), houseState()), true);
  assert.equal(speaksFor(houseState({ epoch: 1, clusterId: "c2" }), houseState()), true);
  assert.equal(speaksFor(houseState(), houseState({ epoch: 1, clusterId: "c2" })), false);
  assert.equal(speaksFor(houseState({ clusterId: "c2" }), houseState()), false);
  assert.equal(speaksFor(houseState(), houseState({ id: "house2" })), false);
});

test("two houses never both give up, and one that is not empty never does", () => {
  const house = fc.record({
    id: fc.constantFrom("house1", "house2", "house3"),
    epoch: fc.nat(2),
    clusterId: fc.constantFrom("c1", "c2"),
    nodes: fc.integer({ min: 1, max: 3 }),
    hasObjects: fc.boolean(),
    joining: fc.constant("auto" as const),
  });
  fc.assert(
    fc.property(house, house, (ours, theirs) => {
      const both = [meet(ours, theirs), meet(theirs, ours)];
      assert(!both.every((each) => each === "give up"));
      if (!isEmpty(ours)) assert.notEqual(both[0], "give up");
      assert.equal(both[0] === "give up", both[1] === "they give up");
      assert.equal(both[0] === "stay apart", both[1] === "stay apart");
    }),
  );
});
