// A computer's clock counts its sleep, its timers do not.
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../fakes/clock.ts";
import { NodeClock } from "./node-clock.ts";

const EXACT = { wallSkewMs: 0, rate: 1 };

test("a timer goes on with what was left of it when its computer wakes", async () => {
  const time = new VirtualClock();
  const clock = new NodeClock(time, EXACT);
  const ran: string[] = [];
  clock.timer(100, () => ran.push(`set awake ${time.now()}`));
  await time.advance(40);
  clock.freeze();
  await time.advance(500);
  clock.timer(10, () => ran.push(`set asleep ${time.now()}`));
  await time.advance(460);
  clock.thaw();
  await time.advance(1_000);
  assert.deepEqual(ran, ["set asleep 1010", "set awake 1060"]);
  assert.equal(clock.now(), 2_000);
});

test("a timer that is cancelled in its sleep never runs", async () => {
  const time = new VirtualClock();
  const clock = new NodeClock(time, EXACT);
  let runs = 0;
  const cancel = clock.timer(100, () => runs++);
  clock.freeze();
  cancel();
  clock.thaw();
  await time.advance(1_000);
  assert.equal(runs, 0);
});

test("a timer never runs before its own clock shows its time, however fast the clock goes", async () => {
  for (const rate of [0.999, 1.001]) {
    const time = new VirtualClock();
    const clock = new NodeClock(time, { wallSkewMs: 0, rate });
    for (let ms = 1; ms < 2_000; ms += 37) {
      const dueMs = clock.now() + ms;
      let atMs = -1;
      clock.timer(ms, () => (atMs = clock.now()));
      await time.advance(3_000);
      assert(atMs >= dueMs, `${atMs} is before ${dueMs}`);
    }
  }
});
