import assert from "node:assert/strict";
import { test } from "node:test";
import { failoverTable, isMissed, phaseTable, type Case } from "./failover-table.ts";

const follower: Case = {
  who: "Fossora",
  what: "a follower",
  rounds: [
    { clientsMs: [3_000, 3_200], milestones: { "silence noticed": 1_800, placed: 2_700, answered: 3_000 } },
    { clientsMs: [3_400, 7_000], milestones: { "silence noticed": 2_000, placed: 2_900, answered: 3_400 } },
  ],
  aim: { medianMs: 4_000, worstMs: 6_000 },
};

test("the median and the worst are of all clients of all rounds, and both have an aim", () => {
  assert.match(failoverTable([follower]), /\| a follower \| Fossora \| 2 \| 3\.3 s \| 7\.0 s \| 4\.0 s, 6\.0 s \(missed\) \|/);
  assert.equal(isMissed({ ...follower, rounds: follower.rounds.slice(0, 1) }), false);
  assert.equal(isMissed({ ...follower, rounds: [] }), true);
});

test("a browser has a line of its own, and no aim", () => {
  const rounds = [{ clientsMs: [3_000], browserMs: 2_500 }, { clientsMs: [3_000] }, { clientsMs: [3_000], browserMs: 9_500 }];
  const lines = failoverTable([{ ...follower, rounds }]).split("\n");
  assert.deepEqual(lines.slice(2), [
    "| a follower | Fossora | 3 | 3.0 s | 3.0 s | 4.0 s, 6.0 s |",
    "| a follower | Fossora, asked by Chromium | 2 | 6.0 s | 9.5 s |  |",
  ]);
  assert.equal(isMissed({ ...follower, rounds }), false);
});

test("each phase says what it adds to the one before that was seen", () => {
  const [, , row] = phaseTable([follower, { ...follower, rounds: [{ clientsMs: [1] }] }])?.split("\n") ?? [];
  assert.equal(phaseTable([{ ...follower, rounds: [{ clientsMs: [1] }] }]), undefined);
  assert.equal(row, "| a follower | 1.90 s (+1.90 s) | not seen | 2.80 s (+0.90 s) | not seen | not seen | 3.20 s (+0.40 s) |");
});
