// A short soak of the ingress; `npm run soak -- ingress` is the long one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { soakIngress, soakProblems } from "../support/ingress-soak.ts";

test("under a crowd, with new tables and restarting apps, nobody gets another app's answer and nothing is left behind", async () => {
  const result = await soakIngress({ seconds: 5, secondsMax: 60, clients: 100, seed: 1 });
  assert.deepEqual(soakProblems(result), []);
  assert.match(soakProblems({ ...result, swaps: result.swapsDue * 0.7 }).join(), /tables were put/);
  assert.ok(result.seen.answered > 100 && result.restarts > 1, JSON.stringify(result));
});
