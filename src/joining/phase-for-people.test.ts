import assert from "node:assert/strict";
import { test } from "node:test";
import type { Phase } from "./joiner-state.ts";
import { phaseForPeople } from "./phase-for-people.ts";

const house = { id: "house1", epoch: 1, contacts: [], term: 0 };
const asking = (verdict?: "queued" | "waits for approval" | "refused"): Phase => ({
  kind: "asking",
  house,
  askedAtMs: 0,
  heardAtMs: 0,
  ...(verdict !== undefined && { verdict }),
});
const said = (phase: Phase, more: { readonly rests?: boolean; readonly isRefused?: boolean } = {}): string =>
  phaseForPeople(phase, { rests: false, isRefused: false, ...more });

test("who left rests, and who was told no is refused, until something else is heard", () => {
  const looking: Phase = { kind: "looking", sinceMs: 0 };
  assert.deepEqual([said(looking), said(looking, { rests: true }), said(looking, { isRefused: true })], ["looking", "resting", "refused"]);
  assert.deepEqual(
    [asking(), asking("queued"), asking("waits for approval"), asking("refused")].map((phase) => said(phase)),
    ["asking", "queued", "waiting", "refused"],
  );
  assert.deepEqual([said(asking(), { isRefused: true }), said(asking("queued"), { isRefused: true })], ["refused", "queued"]);
  assert.equal(said({ kind: "laying the ground", sinceMs: 0 }), "founding");
});
