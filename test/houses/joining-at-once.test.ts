// Ten computers of one tailnet ask a house at the same instant: all belong to it in the end, admitted one after the other.
import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { programReason } from "../support/house.ts";
import { joinAtOnce } from "../support/join-at-once.ts";
import { Lab, labReason } from "../support/lab.ts";
import { LabHouse } from "../support/lab-house.ts";

const skip = labReason() ?? programReason() ?? false;
const newcomers = [2, 3, 4, 5, 6, 7, 8, 9, 10, 11];

describe("ten computers that ask at once", { skip }, () => {
  const house = new LabHouse(new Lab());
  let absent: string | undefined;
  before(async () => {
    absent = await house.up(1 + newcomers.length);
    if (absent !== undefined) return;
    await house.joinTailnet(1, ...newcomers);
    await house.startAgents(1);
    await house.areOneHouse([1]);
  });
  after(() => house.lab.down());

  test("all belong to the house, and never were two let in at a time", async (t) => {
    if (absent !== undefined) return t.skip(absent);
    const { tookMs, atOnce, admitted } = await joinAtOnce(house, [1], newcomers);
    t.diagnostic(`all are there after ${(tookMs / 1000).toFixed(1)} s`);
    assert.deepEqual([atOnce, admitted.size], [1, newcomers.length]);
    return house.hasVoters(5);
  });
});
