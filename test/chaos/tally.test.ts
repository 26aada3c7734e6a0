import assert from "node:assert/strict";
import { test } from "node:test";
import { tallyOf, tallyTable, type Sight } from "./tally.ts";

const sight = (askedMs: number, endedMs: number, answered: boolean, expected = true): Sight => ({
  app: "one",
  askedMs,
  endedMs,
  answered,
  expected,
});
const all = [{ fromMs: 0, toMs: 6_000 }];

test("an outage lasts from one answer to the next, whoever gives it", () => {
  const { asked, answered, longestOutageMs, outageAtMs } = tallyOf(
    "one",
    [sight(0, 10, true), sight(1_000, 2_000, false), sight(2_000, 3_000, false), sight(3_000, 4_500, true), sight(5_000, 5_100, true)],
    all,
  );
  assert.deepEqual([asked, answered, longestOutageMs, outageAtMs], [5, 3, 4_490, 10]);
  const other = [0, 1_000, 2_000, 3_000, 4_000, 5_000].map((atMs) => sight(atMs, atMs + 10, true));
  assert.equal(tallyOf("one", [...other, sight(0, 6_000, false)], all).longestOutageMs, 1_000);
});

test("what nobody expected to answer does not count, nor another app's, nor the time between the spans", () => {
  const sights = [sight(0, 10, true), sight(100, 5_900, false, false), { ...sight(0, 3_000, true), app: "two" }];
  const spans = [
    { fromMs: 0, toMs: 500 },
    { fromMs: 5_500, toMs: 6_000 },
  ];
  const { asked, longestOutageMs } = tallyOf("one", sights, spans);
  assert.deepEqual([asked, longestOutageMs], [1, 500]);
});

test("the table has a row an app", () => {
  const tally = tallyOf("one", [sight(0, 1_000, false), sight(1_000, 1_200, true)], [{ fromMs: 0, toMs: 1_300 }]);
  assert.match(tallyTable([tally], new Map([["one", 2]])), /\| one \| 2 \| 50\.00 % \| 1\.2 s, from 0\.0 s on \| 2 \|/);
});
