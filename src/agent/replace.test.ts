import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom, VirtualClock } from "../../test/fakes/clock.ts";
import { entry, houseNode, nodeId, view } from "../../test/fakes/joining.ts";
import { FakeEtcd } from "../../test/fakes/store.ts";
import { keys } from "../api/keys.ts";
import type { QueueEntry } from "../joining/house-view.ts";
import { ApiError } from "../server/api-error.ts";
import type { HouseLook } from "./joining/house-look.ts";
import { replaceNode } from "./replace.ts";

const signal = new AbortController().signal;

/** The fake store takes its time, which is the test's. */
async function run<T>(clock: VirtualClock, work: Promise<T>): Promise<T> {
  let settled = false;
  void Promise.allSettled([work]).then(() => (settled = true));
  await clock.until(() => settled, 60_000);
  return work;
}

test("one that waits in the queue already takes the place of a silent node from then on", async () => {
  const clock = new VirtualClock();
  const store = new FakeEtcd(clock).client("nas", { clock, random: new SeededRandom(1) });
  const newcomer = entry("x");
  const key = keys.queued(nodeId("x"));
  await run(clock, store.commit({ compare: [], writes: [{ put: key, value: JSON.stringify(newcomer.value) }] }, signal));
  const seen = view({ voters: "abc", dead: "c", entries: [newcomer] });
  const look: HouseLook = { view: seen, survives: "", voters: 3, votersUp: 2, computers: [], returned: [], misplaced: [] };
  const former = houseNode("c");
  const ports = { store, look: async () => look, waiting: async () => [], comeAgain: () => Promise.reject(new Error("it is no node yet")) };
  const answer = await run(clock, replaceNode({ former: former.name, newcomer: newcomer.value.name }, ports, signal));
  assert.deepEqual([answer.former, answer.newcomer], [former.name, newcomer.value.name]);
  const queued = await run(clock, store.get(key, signal));
  assert.equal((JSON.parse(queued?.value ?? "{}") as QueueEntry).replaces, nodeId("c"));
});

test("a voter takes nobody's place while the others could not decide without it, and nothing is written", async () => {
  const clock = new VirtualClock();
  const store = new FakeEtcd(clock).client("pi", { clock, random: new SeededRandom(1) });
  const ports = { store, waiting: async () => [], comeAgain: () => Promise.reject(new Error("it has the only vote")) };
  // After a take-over: `c` is gone for good, `a` alone votes, `b` has joined.
  const after = view({ voters: "a", learners: "b" });
  const roster = new Map([...after.roster, [nodeId("c"), houseNode("c")] as const]);
  const houses = [{ ...after, roster }, view({ voters: "ab", workers: "c", dead: "c" }), view({ voters: "abdc", dead: "c" })];
  for (const seen of houses) {
    const look: HouseLook = { view: seen, survives: "", voters: 1, votersUp: 1, computers: [], returned: [], misplaced: [] };
    await assert.rejects(
      run(clock, replaceNode({ former: "c", newcomer: "a" }, { ...ports, look: async () => look }, signal)),
      (error) =>
        error instanceof ApiError &&
        error.status.reason === "Conflict" &&
        /a would have to come in again, and its vote/.test(error.message),
    );
    assert.equal(await run(clock, store.get(keys.replaces(nodeId("a")), signal)), undefined);
  }
});
