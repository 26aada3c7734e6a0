import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { collectGarbage, whenQuiet } from "./idle-collection.ts";

test("garbage is collected once each time that changes cease, and not while they come", async () => {
  const clock = new VirtualClock();
  let collections = 0;
  const { changed, stop } = whenQuiet(clock, () => collections++);
  for (let second = 0; second < 10; second++) {
    changed();
    await clock.advance(1_000);
  }
  assert.equal(collections, 0);
  await clock.advance(60_000);
  assert.equal(collections, 1);
  changed();
  await clock.advance(60_000);
  assert.equal(collections, 2);
  changed();
  stop();
  assert.equal(clock.nextAtMs(), undefined, "a timer keeps the process from ending");
});

test("collecting gives back what nobody holds any more", () => {
  let held: unknown[] | undefined = Array.from({ length: 1_000_000 }, (_, index) => ({ index }));
  const before = process.memoryUsage().heapUsed;
  assert.equal(held.length, 1_000_000);
  held = undefined;
  collectGarbage();
  assert.ok(process.memoryUsage().heapUsed < before - 20_000_000);
});
