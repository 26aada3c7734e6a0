import assert from "node:assert/strict";
import { test } from "node:test";
import { PullTurns } from "./pull-turns.ts";

class Patience {
  refreshed = 0;
  refresh(): void {
    this.refreshed += 1;
  }
}

test("what waits for its turn hears by every other pull, and what fetches by itself alone", () => {
  const turns = new PullTurns();
  const [fetching, queued, silent] = [new Patience(), new Patience(), new Patience()];
  const counts = (): readonly number[] => [fetching, queued, silent].map(({ refreshed }) => refreshed);
  turns.heard(silent, false);
  turns.heard(queued, true);
  for (let line = 0; line < 3; line++) turns.heard(fetching, false);
  assert.deepEqual(counts(), [3, 4, 1]);
  turns.heard(queued, false);
  turns.heard(fetching, false);
  assert.deepEqual(counts(), [4, 6, 1], "its turn has come: it speaks for itself");
});

test("nobody hears for one that has ended", () => {
  const turns = new PullTurns();
  const queued = new Patience();
  turns.heard(queued, true);
  turns.ended(queued);
  turns.heard(new Patience(), false);
  assert.equal(queued.refreshed, 1);
});
