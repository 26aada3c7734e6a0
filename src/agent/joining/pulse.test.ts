import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import { Pulse } from "./pulse.ts";

const QUIET_MS = 5_000;

/** How long each of so many rests lasts; `during` is called while each lasts. */
async function rests(
  count: number,
  during: (pulse: Pulse, rest: number, clock: VirtualClock) => void = () => {},
): Promise<readonly number[]> {
  const clock = new VirtualClock();
  const pulse = new Pulse(clock);
  const lasted: number[] = [];
  for (let rest = 0; rest < count; rest++) {
    const beganMs = clock.now();
    const over = { yes: false };
    void pulse.rest(QUIET_MS, new AbortController().signal).then(() => (over.yes = true));
    await clock.settle();
    for (let hops = 0; !over.yes && hops < 100; hops++) {
      during(pulse, rest, clock);
      await clock.advance(500);
    }
    lasted.push(clock.now() - beganMs);
  }
  return lasted;
}

test("a house is looked at each second at first, and seldom once nothing has happened for a while", async () => {
  const lasted = await rests(33);
  assert.deepEqual(new Set(lasted.slice(0, 29)), new Set([1_000]));
  assert.deepEqual(lasted.slice(31), [QUIET_MS, QUIET_MS]);
});

test("a change ends the rest, and whoever looks is busy again, but not more than once a second", async () => {
  const lasted = await rests(40, (pulse, rest) => rest >= 35 && pulse.changed());
  assert.equal(lasted[34], QUIET_MS);
  assert.deepEqual(new Set(lasted.slice(36)), new Set([1_000]));
});
