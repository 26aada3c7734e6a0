import assert from "node:assert/strict";
import { test } from "node:test";
import { docker } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import type { Ports } from "../../src/engine/contract.ts";
import type { AgedContainer } from "./facts.ts";
import { QUICK_ENDS_LUCKY, STABLE_MS, withQuickEnds } from "./quick-ends.ts";

const spec = serviceSpec("app", "app:1");

/** Looks at one container, one look after the other; answers its quick ends after each. */
function looks(...states: readonly Partial<AgedContainer>[]): readonly number[] {
  const ports = { containers: {} as Ports["containers"] }; // its identity alone counts
  return states.map((over) => withQuickEnds("app", [docker("app", "aaaa", spec, over)], ports)[0]?.quickEnds ?? -1);
}

const ended = (startedMs: number, ranMs = 100): Partial<AgedContainer> => ({ state: "exited", startedMs, ranMs });
const runs = (startedMs: number, ranMs = 100, restarts = 0): Partial<AgedContainer> => ({ state: "running", startedMs, ranMs, restarts });

test("each quick end of what Docker does not start again counts once, however often it is looked at", () => {
  assert.deepEqual(looks(runs(1), ended(1), ended(1), runs(2), ended(2), runs(3), ended(3)), [0, 1, 1, 1, 2, 2, 3]);
  assert.ok(QUICK_ENDS_LUCKY < 3);
});

test("an end after a long run is none, and forgives those before it", () => {
  assert.deepEqual(looks(ended(1), runs(2), runs(2, STABLE_MS), ended(2, 60_000), runs(3), ended(3)), [1, 1, 0, 0, 0, 1]);
});

test("Docker's restarts count from when it last ran for long, not from its last start by a call", () => {
  const crashes = [1, 2, 3, 4].flatMap((nth) => [runs(nth, 100, nth), runs(nth, 60_000, nth)]);
  assert.deepEqual(looks(...crashes), [1, 0, 1, 0, 1, 0, 1, 0]);
  assert.deepEqual(looks(runs(1, 60_000, 5), runs(2, 100, 6), runs(3, 100, 7), runs(4, 100, 8)), [0, 1, 2, 3]);
  assert.deepEqual(looks(runs(1, 60_000, 5), { ...runs(2, 60_000, 6), state: "restarting" }, runs(3, 100, 7)), [0, 0, 1]);
});

test("once it was started by a call, Docker's count begins anew", () => {
  assert.deepEqual(looks(runs(1, 60_000, 5), runs(2, 100, 0), runs(3, 100, 1)), [0, 0, 1]);
});

test("what nobody has seen before is as often ended as Docker says", () => {
  assert.deepEqual(looks(runs(1, 100, 4)), [4]);
});
