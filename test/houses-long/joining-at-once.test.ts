// Ten computers of one tailnet ask a house at the same instant: all belong to it in the end, admitted one after the other.
import assert from "node:assert/strict";
import { describe } from "node:test";
import { programReason } from "../support/house.ts";
import { joinAtOnce } from "../support/join-at-once.ts";
import { labReason } from "../support/lab.ts";
import { labSuite } from "../support/lab-suite.ts";

const skip = labReason() ?? programReason() ?? false;
const newcomers = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

describe("ten computers that ask at once", { skip }, () => {
  const { house, test } = labSuite(1 + newcomers.length, {
    prepare: async () => {
      await house.joinTailnet(1, ...newcomers);
      await house.startAgents(1);
      await house.areOneHouse([1]);
    },
  });

  test("all belong to the house, and never were two let in at a time", async (t) => {
    const { tookMs, atOnce, admitted } = await joinAtOnce(house, [1], newcomers);
    t.diagnostic(`all are there after ${(tookMs / 1000).toFixed(1)} s`);
    assert.deepEqual([atOnce, admitted.size], [1, newcomers.length]);
    return house.hasVoters(5);
  });
});
