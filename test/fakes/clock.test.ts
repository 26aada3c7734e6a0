// Virtual time must keep order and seeds must repeat, or nothing in the simulator can be believed.
import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom, VirtualClock } from "./clock.ts";

test("timers run in the order of their time, and of their setting within one moment", async () => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  const random = new SeededRandom(7);
  const times = Array.from({ length: 200 }, (_, order) => ({ at: random.int(0, 40), order }));
  for (const { at, order } of times) clock.timer(at, () => ran.push(`${at}/${order}`));
  await clock.advance(40);
  const expected = [...times].sort((a, b) => a.at - b.at || a.order - b.order).map(({ at, order }) => `${at}/${order}`);
  assert.deepEqual(ran, expected);
  assert.equal(clock.now(), 40);
});

test("a cancelled timer never runs", async () => {
  const clock = new VirtualClock();
  let runs = 0;
  const cancel = clock.timer(10, () => runs++);
  clock.timer(5, cancel);
  await clock.advance(20);
  assert.equal(runs, 0);
  assert.equal(clock.nextAtMs(), undefined);
});

test("a sleep ends at its time, or with its signal's reason", async () => {
  const clock = new VirtualClock();
  const stop = new AbortController();
  const ended: string[] = [];
  void clock.sleep(10, stop.signal).then(() => ended.push(`slept until ${clock.now()}`));
  void clock.sleep(1000, stop.signal).catch((reason: Error) => ended.push(reason.message));
  await clock.advance(20);
  stop.abort(new Error("stopped"));
  await clock.settle();
  assert.deepEqual(ended, ["slept until 10", "stopped"]);
  await assert.rejects(clock.sleep(1, stop.signal), /stopped/);
});

test("until() stops at the first moment that the condition holds, and fails when none comes", async () => {
  const clock = new VirtualClock();
  let ticks = 0;
  const tick = (): void => {
    ticks++;
    clock.timer(100, tick);
  };
  tick();
  await clock.until(() => ticks === 4, 1000);
  assert.equal(clock.now(), 300);
  await assert.rejects(
    clock.until(() => ticks < 0, 1000),
    /not within 1000 ms/,
  );
});

test("the same seed gives the same numbers, another seed others", () => {
  const numbers = (seed: number): readonly number[] =>
    Array.from(
      { length: 50 },
      (
        (random) => () =>
          random.next()
      )(new SeededRandom(seed)),
    );
  assert.deepEqual(numbers(1), numbers(1));
  assert.notDeepEqual(numbers(1), numbers(2));
  assert(numbers(3).every((number) => number >= 0 && number < 1));
});

test("whatever a timer sets off has run to its end before the next timer runs", async () => {
  const clock = new VirtualClock();
  const ran: string[] = [];
  const chain = async (name: string): Promise<void> => {
    for (let i = 0; i < 50; i++) await Promise.resolve();
    await Promise.all([Promise.resolve(), new Promise<void>((resolve) => queueMicrotask(resolve))]);
    ran.push(name);
  };
  for (let at = 0; at < 1_000; at++) clock.timer(at, () => void chain(String(at)));
  for (let at = 0; at < 1_000; at++) {
    await clock.step();
    assert.equal(ran.length, at + 1);
  }
});
