import assert from "node:assert/strict";
import { test } from "node:test";
import { advanceClaim, announceAgain, beginClaim, contest, freeClaim, loseTie, yieldClaim, type Claim } from "./mdns-claim.ts";

/** Everything that it sends until nothing is due, with the times. */
function run(begun: Claim, limit = 10): { readonly claim: Claim; readonly sent: readonly (readonly [string, number])[] } {
  const sent: (readonly [string, number])[] = [];
  let claim = begun;
  while (claim.dueAtMs < Number.POSITIVE_INFINITY && sent.length < limit) {
    const nowMs = claim.dueAtMs;
    const advanced = advanceClaim(claim, nowMs);
    claim = advanced.claim;
    if (advanced.send !== undefined) sent.push([advanced.send, nowMs]);
  }
  return { claim, sent };
}

const owned = run(beginClaim(0)).claim;

test("a name is probed for three times, and announced twice", () => {
  const { claim, sent } = run(beginClaim(100));
  assert.deepEqual(sent, [
    ["probe", 100],
    ["probe", 350],
    ["probe", 600],
    ["announcement", 850],
    ["announcement", 1850],
  ]);
  assert.equal(claim.state, "owned");
});

test("nothing happens before it is due", () => {
  assert.deepEqual(advanceClaim(beginClaim(100), 99), { claim: beginClaim(100) });
});

test("a tie that is lost is tried again from the start a second later, and ten times in a row at most", () => {
  const lost = loseTie(beginClaim(0), "192.168.1.9", 10);
  assert.deepEqual(run(lost).sent[0], ["probe", 1010]);
  assert.equal(run(lost).sent.filter(([what]) => what === "probe").length, 3);
  let claim = beginClaim(0);
  for (let time = 0; time < 10; time += 1) claim = loseTie(claim, "192.168.1.9", time);
  assert.equal(claim.state, "probing");
  assert.equal(loseTie(claim, "192.168.1.9", 20).state, "yielded");
  assert.equal(loseTie(claim, "192.168.1.9", 20_000).state, "probing", "setbacks of long ago are forgotten");
});

test("an answer of somebody else settles a probe, and makes an owner ask once more", () => {
  const yielded = contest(beginClaim(0), "192.168.1.9", 5);
  assert.deepEqual([yielded.state, yielded.holder], ["yielded", { address: "192.168.1.9", member: false }]);
  assert.equal(contest(yielded, "192.168.1.8", 6), yielded);
  const asking = contest(owned, "192.168.1.9", 9000);
  assert.deepEqual(run(asking).sent[0], ["probe", 9000]);
  assert.equal(contest(asking, "192.168.1.9", 9001).state, "yielded");
});

test("a name that was given up is tried again minutes later, or a second after its holder's goodbye", () => {
  const yielded = contest(beginClaim(0), "192.168.1.9", 0);
  assert.deepEqual(run(yielded).sent[0], ["probe", 5 * 60_000]);
  assert.deepEqual(run(freeClaim(yielded, 70)).sent[0], ["probe", 1070]);
  assert.equal(freeClaim(owned, 70), owned);
  const toMember = yieldClaim(owned, { address: "192.168.1.2", member: true }, 0);
  assert.deepEqual(run(toMember).sent[0], ["probe", 120_000]);
});

test("what an owner has new is announced twice again; who is no owner yet probes again", () => {
  assert.deepEqual(run(announceAgain(owned, 50)).sent, [
    ["announcement", 50],
    ["announcement", 1050],
  ]);
  assert.deepEqual(run(announceAgain(contest(beginClaim(0), "192.168.1.9", 0), 50)).sent[0], ["probe", 50]);
});
