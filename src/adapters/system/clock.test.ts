import assert from "node:assert/strict";
import { test } from "node:test";
import { bootMsOf, systemClock } from "./clock.ts";

test("a sleep ends after its time, and with the signal's reason when that comes first", async () => {
  const before = systemClock.now();
  await systemClock.sleep(30, new AbortController().signal);
  assert(systemClock.now() - before >= 10, "boot time is counted in steps of 10 ms");
  const end = new AbortController();
  const sleeping = systemClock.sleep(60_000, end.signal);
  end.abort(new Error("enough"));
  await assert.rejects(sleeping, /enough/);
  await assert.rejects(systemClock.sleep(1, AbortSignal.abort(new Error("before"))), /before/);
});

test("a cancelled timer does not run, and one of months does not run at once", async () => {
  const ran: string[] = [];
  const cancel = systemClock.timer(1, () => ran.push("cancelled"));
  cancel();
  const cancelLong = systemClock.timer(2 ** 40, () => ran.push("long"));
  await systemClock.sleep(20, new AbortController().signal);
  cancelLong();
  assert.deepEqual(ran, []);
});

test("times are whole milliseconds, whatever seconds of two decimals make of them", () => {
  for (const bootedForS of [0, 1, 60, 1000, 33_500, 500_000])
    for (let hundredths = 0; hundredths < 100; hundredths += 1) {
      const seconds = Number(`${bootedForS}.${String(hundredths).padStart(2, "0")}`);
      assert.equal(bootMsOf(seconds), bootedForS * 1000 + hundredths * 10);
    }
});
