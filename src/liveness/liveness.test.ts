import assert from "node:assert/strict";
import { test } from "node:test";
import type { SignOfLife } from "../mesh-ports.ts";
import {
  advance,
  answered,
  BOOT_GRACE_MS,
  CONDEMN_AFTER_MS,
  DEAF_AFTER_MS,
  heard,
  newLiveness,
  ownHearing,
  RANK_MS,
  SEND_EVERY_MS,
  silenceOf,
  SUSPECT_AFTER_MS,
  suspects,
  toAsk,
  toCondemn,
  withOthers,
  type Liveness,
} from "./liveness.ts";

const voters = ["a", "b", "c"];
const long = { bootedMs: BOOT_GRACE_MS, voters: ["b"] };
const sign = (nodeId: string, counter: number, over: Partial<SignOfLife> = {}): SignOfLife => ({
  nodeId,
  bootId: `${nodeId}-boot`,
  counter,
  heard: [{ nodeId: "one-that-just-came", agoMs: 200 }],
  ...over,
});
const house = (self = "b"): Liveness => withOthers(newLiveness(self, 0), ["a", "b", "c"]);
/** In steps, as an agent that is awake. */
const pass = (state: Liveness, ms: number): Liveness => {
  let now = state;
  for (let left = ms; left > 0; left -= 250) now = advance(now, now.nowMs + Math.min(250, left));
  return now;
};

test("who is never heard is asked after a second, suspect after two, and condemned by rank", () => {
  const asked = pass(house(), 1_000);
  assert.deepEqual([toAsk(asked), suspects(asked)], [["a", "c"], []]);
  const suspected = pass(house(), SUSPECT_AFTER_MS);
  assert.deepEqual([suspects(suspected), toCondemn(suspected, long)], [["a", "c"], []]);
  // a is as silent as c, so b is the first of the living.
  assert.deepEqual(toCondemn(pass(house(), CONDEMN_AFTER_MS), long), ["a", "c"]);
});

test("of the living the one with the lowest id is the first to condemn", () => {
  const by = { ...long, voters };
  const quiet = pass(house("c"), CONDEMN_AFTER_MS - 500);
  const state = pass(heard(quiet, sign("a", 1)), 500);
  assert.deepEqual(toCondemn(state, by), []);
  assert.deepEqual(toCondemn(pass(state, RANK_MS), by), ["b"]);
});

test("who hears no majority of the voters is the one that is cut off, and condemns nobody until it hears one again", () => {
  const of = (state: Liveness): readonly string[] => toCondemn(state, { bootedMs: BOOT_GRACE_MS, voters });
  const alone = pass(house(), 60_000);
  assert.deepEqual(of(alone), []);
  assert.deepEqual(of(heard(alone, sign("a", 1))), ["c"]);
  assert.deepEqual(of(heard(alone, sign("a", 1, { heard: [{ nodeId: "c", agoMs: 200 }] }))), []);
  // A node that has no vote needs two of them.
  const worker = pass(withOthers(newLiveness("w", 0), [...voters, "w"]), 5_000);
  assert.deepEqual(of(heard(worker, sign("a", 1))), []);
  assert.deepEqual(of(heard(heard(worker, sign("a", 1)), sign("b", 1))), ["c"]);
  assert.deepEqual(toCondemn(alone, { bootedMs: BOOT_GRACE_MS, voters: [] }), []);
});

test("a sign of life, or an answer of the ingress, ends the silence", () => {
  const silent = pass(house(), 5_000);
  assert.deepEqual(suspects(heard(silent, sign("a", 1))), ["c"]);
  assert.deepEqual(suspects(answered(silent, "c")), ["a"]);
  assert.equal(silenceOf(answered(silent, "c"), "c"), 0);
});

test("what another hears counts, and is not passed on", () => {
  const state = heard(pass(house(), 5_000), sign("a", 1, { heard: [{ nodeId: "c", agoMs: 300 }] }));
  assert.deepEqual([suspects(state), silenceOf(state, "c")], [[], 300]);
  assert.deepEqual(ownHearing(state), [{ nodeId: "a", agoMs: 0 }]);
});

test("a doubled, an older and a foreign sign change nothing, nor one of a boot that is over", () => {
  const known = heard(house(), sign("a", 5));
  const later = pass(known, 5_000);
  for (const old of [sign("a", 5), sign("a", 4), sign("z", 9)]) assert.equal(heard(later, old), later);
  const rebooted = heard(later, sign("a", 1, { bootId: "second" }));
  assert.notEqual(rebooted, later);
  assert.equal(heard(rebooted, sign("a", 99)), rebooted);
});

test("nobody is blamed for what this node slept through", () => {
  const before = pass(heard(heard(house(), sign("a", 1)), sign("c", 1)), 250);
  const woken = advance(before, before.nowMs + 3_600_000);
  assert.deepEqual([suspects(woken), toCondemn(woken, long)], [[], []]);
});

test("a machine that has just started condemns nobody whom it has not heard since, by itself or through others", () => {
  const just = { ...long, bootedMs: BOOT_GRACE_MS - 1 };
  const state = pass(house(), 10_000);
  assert.deepEqual([toCondemn(state, just), toCondemn(state, long)], [[], ["a", "c"]]);
  const one = pass(heard(house(), sign("a", 1)), 100);
  assert.deepEqual(toCondemn(pass(one, 10_000), just), ["a"]);
  const both = heard(one, sign("a", 2, { heard: [{ nodeId: "c", agoMs: 50 }] }));
  assert.deepEqual(toCondemn(pass(both, 10_000), just), ["a", "c"]);
});

test("who joins counts as heard, who leaves is forgotten, and the same ones are no change", () => {
  const old = pass(house(), 5_000);
  const state = withOthers(old, ["a", "d"]);
  assert.deepEqual([suspects(state), silenceOf(state, "c")], [["a"], undefined]);
  assert.equal(withOthers(state, ["d", "a", "b"]), state);
});

test("who wakes condemns nobody before it hears a majority again, whatever it heard before it slept", () => {
  const of = (state: Liveness): readonly string[] => toCondemn(state, { bootedMs: BOOT_GRACE_MS, voters });
  const hearsA = heard(pass(house(), 5_000), sign("a", 1));
  assert.deepEqual(of(hearsA), ["c"]);
  const woken = pass(advance(hearsA, hearsA.nowMs + 60_000), 500);
  assert.deepEqual(of(woken), []);
  assert.deepEqual(of(heard(woken, sign("a", 2))), ["c"]);
  assert.deepEqual(of(heard(woken, sign("a", 2, { heard: [{ nodeId: "c", agoMs: 100 }] }))), []);
});

test("who sends, and says that it hears nobody, is asked as one that is silent, and condemned where its ingress does not answer", () => {
  const since = (ms: number): Liveness => {
    let state = house();
    for (let ago = 0; ago <= ms; ago += SEND_EVERY_MS) {
      const c = heard(pass(state, SEND_EVERY_MS), sign("c", ago + 1));
      state = heard(c, sign("a", ago + 1, { heard: [{ nodeId: "b", agoMs: ago }] }));
    }
    return state;
  };
  const by = { ...long, voters };
  const young = since(DEAF_AFTER_MS);
  assert.deepEqual([toAsk(young), toCondemn(young, by)], [[], []]);
  const old = since(60_000);
  assert.deepEqual([toAsk(old), suspects(old), toCondemn(old, by)], [["a"], ["a"], ["a"]]);
  assert.deepEqual(toAsk(answered(old, "a")), []);
  const told = ownHearing(old).find(({ nodeId }) => nodeId === "a");
  assert.ok((told?.agoMs ?? Infinity) < DEAF_AFTER_MS, "whom it hears it may believe that it is heard");
});

test("whoever hears one that hears nobody lets no third node count it as alive, nor condemn it after a boot", () => {
  const c = heard(house("c"), sign("a", 1, { heard: [] }));
  const told = sign("c", 1, { heard: ownHearing(c) });
  const b = heard(pass(house(), 10_000), told);
  assert.deepEqual([suspects(b), toCondemn(b, { bootedMs: 0, voters })], [["a"], []]);
  assert.deepEqual(toCondemn(b, { ...long, voters }), ["a"]);
});

test("two that begin hear each other within two signs", () => {
  const begin = (self: string): Liveness => withOthers(newLiveness(self, 0), ["a", "b"]);
  const speaks = (from: Liveness, counter: number): SignOfLife => sign(from.self, counter, { heard: ownHearing(from) });
  let [a, b] = [pass(begin("a"), 1_000), pass(begin("b"), 1_000)];
  b = heard(b, speaks(a, 1));
  assert.deepEqual(toAsk(b), ["a"]);
  a = heard(a, speaks(b, 1));
  b = heard(b, speaks(a, 2));
  assert.deepEqual([toAsk(a), toAsk(b)], [[], []]);
});

test("who stands still again and again keeps no dead one alive", () => {
  let [speaker, listener] = [house("a"), house("b")];
  const both = (change: (state: Liveness) => Liveness): void => {
    [speaker, listener] = [change(speaker), change(listener)];
  };
  both((state) => heard(pass(state, 500), sign("c", 1)));
  const diedAtMs = listener.nowMs;
  const found: { suspectMs?: number; condemnedMs?: number } = {};
  for (let ms = 100; ms <= 5_000; ms += 100) {
    listener = advance(listener, diedAtMs + ms);
    const round = ms % 1_400;
    if (round < 200) {
      speaker = advance(speaker, diedAtMs + ms);
      if (round === 0) listener = heard(listener, sign("a", ms, { heard: ownHearing(speaker) }));
      speaker = heard(speaker, sign("b", ms, { heard: ownHearing(listener) }));
    }
    if (suspects(listener).includes("c")) found.suspectMs ??= ms;
    if (toCondemn(listener, { ...long, voters }).includes("c")) found.condemnedMs ??= ms;
  }
  assert.ok((found.suspectMs ?? Infinity) <= SUSPECT_AFTER_MS + 100, `suspect after ${found.suspectMs} ms`);
  assert.ok((found.condemnedMs ?? Infinity) <= CONDEMN_AFTER_MS + RANK_MS + 100, `condemned after ${found.condemnedMs} ms`);
});
