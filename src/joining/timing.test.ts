import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { FOUNDING_TIMING, nextTiming, readTiming, timingFor, type Link } from "./timing.ts";

const electionMs = (...links: readonly Link[]): number => timingFor(links).electionMs;

test("the worst link between members says how patient etcd is", () => {
  assert.equal(electionMs(), 1_000);
  assert.equal(electionMs({ kind: "wired", roundTripP99Ms: 2 }), 1_000);
  assert.equal(electionMs({ kind: "wired", roundTripP99Ms: 2 }, { kind: "wireless", roundTripP99Ms: 4 }), 2_000);
  assert.equal(electionMs({ kind: "wired", roundTripP99Ms: 150 }), 2_000);
  assert.equal(electionMs({ kind: "tailnet", roundTripP99Ms: 40 }), 5_000);
  assert.equal(electionMs({ kind: "tailnet", roundTripP99Ms: 2 }), 2_000);
  assert.equal(electionMs({ kind: "wired", roundTripP99Ms: 3_000 }), 5_000);
});

test("etcd becomes patient at once, and impatient again only when it is clear", () => {
  const patient = timingFor([{ kind: "wired", roundTripP99Ms: 150 }]);
  assert.deepEqual(nextTiming(timingFor([]), [{ kind: "wired", roundTripP99Ms: 150 }]), patient);
  assert.deepEqual(nextTiming(patient, [{ kind: "wired", roundTripP99Ms: 90 }]), patient);
  assert.deepEqual(nextTiming(patient, [{ kind: "wired", roundTripP99Ms: 40 }]), timingFor([]));
});

test("a slower link never makes etcd less patient, and what was chosen stays chosen", () => {
  const link = fc.record({ kind: fc.constantFrom("wired" as const, "wireless" as const, "tailnet" as const), roundTripP99Ms: fc.nat(800) });
  fc.assert(
    fc.property(fc.array(link), fc.array(link), fc.nat(800), (links, before, moreMs) => {
      const slower = links.map((each) => ({ ...each, roundTripP99Ms: each.roundTripP99Ms + moreMs }));
      assert(timingFor(slower).electionMs >= timingFor(links).electionMs);
      const chosen = nextTiming(timingFor(before), links);
      assert.deepEqual(nextTiming(chosen, links), chosen);
      assert(chosen.electionMs >= timingFor(links).electionMs);
    }),
  );
});

test("of another node's words only a timing of ours is taken", () => {
  assert.deepEqual(readTiming({ heartbeatMs: 500, electionMs: 5_000 }), { heartbeatMs: 500, electionMs: 5_000 });
  assert.deepEqual(readTiming({ ...FOUNDING_TIMING, more: 1 }), FOUNDING_TIMING);
  for (const other of [null, undefined, 1, [], {}, { heartbeatMs: "100", electionMs: 1_000 }, { heartbeatMs: 1, electionMs: 1_000 }])
    assert.equal(readTiming(other), undefined);
});
