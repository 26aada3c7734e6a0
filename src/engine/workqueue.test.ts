// The queue's promises: a key waits once and runs once at a time, other keys do not wait for it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { WorkQueue } from "./workqueue.ts";

function queue(concurrency: number, runMs: number) {
  const clock = new VirtualClock();
  const log: string[] = [];
  const stop = new AbortController();
  const run = async (key: string): Promise<void> => {
    log.push(`${key} began ${clock.now()}`);
    if (runMs > 0) await clock.sleep(runMs, stop.signal);
    log.push(`${key} ended ${clock.now()}`);
  };
  return { clock, log, stop, queue: new WorkQueue({ clock, concurrency, run }) };
}

test("a key that is added often while it waits runs once", async () => {
  const { clock, log, queue: work } = queue(1, 10);
  work.add("busy");
  for (let i = 0; i < 5; i++) work.add("a");
  await clock.advance(100);
  assert.deepEqual(log, ["busy began 0", "busy ended 10", "a began 10", "a ended 20"]);
});

test("a key that is added while it runs runs once more, after its present run", async () => {
  const { clock, log, queue: work } = queue(4, 10);
  work.add("a");
  await clock.advance(5);
  work.add("a");
  work.add("a");
  await clock.advance(100);
  assert.deepEqual(log, ["a began 0", "a ended 10", "a began 10", "a ended 20"]);
});

test("different keys run side by side up to the limit", async () => {
  const { clock, log, queue: work } = queue(2, 10);
  for (const key of ["a", "b", "c"]) work.add(key);
  await clock.advance(100);
  assert.deepEqual(
    log.filter((line) => line.includes("began")),
    ["a began 0", "b began 0", "c began 10"],
  );
});

test("of several times for a key the earliest counts", async () => {
  const { clock, log, queue: work } = queue(1, 0);
  work.addAfter("a", 50);
  work.addAfter("a", 20);
  work.addAfter("a", 70);
  await clock.advance(100);
  assert.deepEqual(log, ["a began 20", "a ended 20"]);
});

test("a run makes the time that was set before it void", async () => {
  const { clock, log, queue: work } = queue(1, 0);
  work.addAfter("a", 50);
  work.add("a");
  await clock.advance(100);
  assert.deepEqual(log, ["a began 0", "a ended 0"]);
});

test("close() drops what waits, ends what runs, and takes nothing more", async () => {
  const { clock, log, queue: work } = queue(1, 10);
  for (const key of ["a", "b"]) work.add(key);
  work.addAfter("c", 5);
  let closed = false;
  void work.close().then(() => (closed = true));
  work.add("d");
  await clock.advance(5);
  assert.equal(closed, false);
  await clock.advance(100);
  assert.equal(closed, true);
  assert.deepEqual(log, ["a began 0", "a ended 10"]);
  assert.equal(clock.nextAtMs(), undefined);
});
