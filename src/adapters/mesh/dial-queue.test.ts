import assert from "node:assert/strict";
import { test } from "node:test";
import { DialQueue } from "./dial-queue.ts";

function bench() {
  const dials: PromiseWithResolvers<string>[] = [];
  const kept: string[] = [];
  const queue = new DialQueue<string>({
    dial: () => {
      const dial = Promise.withResolvers<string>();
      dials.push(dial);
      return dial.promise;
    },
    keep: (connection) => void kept.push(connection),
  });
  return { queue, dials, kept };
}
const turn = (): Promise<void> => new Promise((done) => setImmediate(done));

test("a crowd is let in a few at a time, in the order in which it came", async () => {
  const { queue, dials } = bench();
  const crowd = Array.from({ length: 20 }, () => queue.next(60_000));
  assert.equal(dials.length, 8);
  for (let index = 0; index < 20; index += 1) {
    dials[index]?.resolve(String(index));
    await turn();
    assert.equal(dials.length, Math.min(20, index + 9));
  }
  assert.deepEqual(
    await Promise.all(crowd),
    Array.from(crowd, (_, index) => String(index)),
  );
});

test("a handshake that fails fails one who waits, and the next one has its turn", async () => {
  const { queue, dials } = bench();
  const crowd = Promise.allSettled(Array.from({ length: 10 }, () => queue.next(60_000)));
  for (let index = 0; index < 10; index += 1) {
    dials[index]?.reject(new Error("it closed the connection"));
    await turn();
    assert.equal(dials.length, Math.min(10, index + 9));
  }
  assert.deepEqual(
    [...new Set((await crowd).map((result) => result.status === "rejected" && String(result.reason)))],
    ["Error: it closed the connection"],
  );
});

test("one that was given up and fails late fails nobody who has another one under way", async () => {
  const { queue, dials } = bench();
  await assert.rejects(queue.next(1), /no connection within 1 ms/);
  const later = queue.next(60_000);
  assert.equal(dials.length, 2);
  dials[0]?.reject(new Error("no answer within 3000 ms"));
  await turn();
  dials[1]?.resolve("there");
  assert.equal(await later, "there");
  assert.equal(dials.length, 2);
});

test("a connection that comes too late for whoever asked is the next one's, or kept", async () => {
  const { queue, dials, kept } = bench();
  await assert.rejects(queue.next(1), /no connection within 1 ms/);
  const next = queue.next(60_000);
  dials[0]?.resolve("late");
  assert.equal(await next, "late");
  dials[1]?.resolve("too late");
  await turn();
  assert.deepEqual(kept, ["too late"]);
});
