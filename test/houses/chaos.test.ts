// Three minutes of a house in trouble, always the same: nothing wrong is said or done meanwhile, and all answers again at the end.
// More of it, and other trouble: `npm run chaos`.
import assert from "node:assert/strict";
import { test } from "node:test";
import { runChaos } from "../chaos/chaos.ts";
import { programReason } from "../support/house.ts";
import { Lab, labReason } from "../support/lab.ts";

const SEED = 1;
const MINUTES = 3;
/** Half of what these minutes hold, and less: a house that was not troubled has shown nothing. */
const EPISODES_MIN = 3;
const ACKNOWLEDGED_MIN = 50;

test(`${MINUTES} minutes of trouble, seed ${SEED}`, { skip: labReason() ?? programReason() ?? false }, async (t) => {
  const report = await runChaos({
    seed: SEED,
    hosts: 3,
    forMs: MINUTES * 60_000,
    calm: false,
    lab: new Lab(),
    say: (text) => t.diagnostic(text),
  });
  if ("absent" in report) return t.skip(report.absent);
  assert.deepEqual(report.failures, []);
  const { episodes, faults, acknowledged } = report;
  assert.ok(episodes >= EPISODES_MIN, `${episodes} episodes`);
  assert.ok(faults.size > 0, "no fault was carried out");
  return assert.ok(acknowledged > ACKNOWLEDGED_MIN, `${acknowledged} writes were acknowledged`);
});
