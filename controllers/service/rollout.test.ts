import assert from "node:assert/strict";
import { test } from "node:test";
import { step, type Aim, type Standing } from "./rollout.ts";
import type { Verdict } from "./verdict.ts";

const failing: Verdict = { kind: "failing", condition: { type: "Ready", status: "False", reason: "CrashLoop", message: "" } };
const settled: Verdict = { kind: "settled" };
const ready: Verdict = { kind: "ready", settledInMs: 500 };
const waiting: Verdict = { kind: "waiting" };

const standing = (id: string, current: boolean, verdict: Verdict, node = id): Standing => ({
  instance: { id, node, revision: current ? "new" : "old", generation: 1, why: "" },
  verdict,
  current,
});
const aim = (over: Partial<Aim> = {}): Aim => ({
  wanted: 1,
  each: false,
  order: "start-first",
  update: { parallel: 1, monitor: "5s", onFailure: "rollback" },
  rollingBack: false,
  proven: false,
  moving: false,
  pending: 0,
  leaving: 0,
  ...over,
});
const take = (standings: readonly Standing[], over: Partial<Aim> = {}) => {
  const { add, remove } = step(standings, aim(over));
  return { add, remove: remove.map(({ id }) => id) };
};

test("a first rollout adds all that is wanted at once", () => {
  assert.deepEqual(take([], { wanted: 3 }), { add: 3, remove: [] });
});

test("start-first adds the new one and leaves the old", () => {
  assert.deepEqual(take([standing("old", false, settled)]), { add: 1, remove: [] });
});

test("of what has proven itself before the new one need only be ready", () => {
  const both = [standing("old", false, settled), standing("new", true, ready)];
  assert.deepEqual(take(both, { proven: true }), { add: 0, remove: ["old"] });
});

test("start-first keeps the old while the new is waiting, ready for less than monitor, or failing", () => {
  for (const verdict of [waiting, ready, failing])
    assert.deepEqual(take([standing("old", false, settled), standing("new", true, verdict)]), { add: 0, remove: [] }, verdict.kind);
});

test("start-first takes the old away once the new was ready through monitor", () => {
  assert.deepEqual(take([standing("old", false, settled), standing("new", true, settled)]), { add: 0, remove: ["old"] });
});

test("start-first has no more than parallel on their way", () => {
  const old = ["a", "b", "c"].map((id) => standing(id, false, settled));
  assert.deepEqual(take(old, { wanted: 3 }), { add: 1, remove: [] });
  assert.deepEqual(take([...old, standing("new", true, waiting)], { wanted: 3 }), { add: 0, remove: [] });
  assert.equal(take(old, { wanted: 3, update: { parallel: 2, monitor: "5s", onFailure: "rollback" } }).add, 2);
});

test("start-first counts what still has to stop", () => {
  assert.deepEqual(take([standing("old", false, settled)], { leaving: 1 }), { add: 0, remove: [] });
});

test("a rollback takes what fails away at once", () => {
  assert.deepEqual(take([standing("good", true, ready), standing("bad", false, failing)], { rollingBack: true }), {
    add: 0,
    remove: ["bad"],
  });
});

test("stop-first takes one away and adds one in the same step", () => {
  assert.deepEqual(take([standing("old", false, settled)], { order: "stop-first" }), { add: 1, remove: ["old"] });
});

test("stop-first goes on when the new one was ready through monitor", () => {
  const old = [standing("b", false, settled)];
  assert.deepEqual(take([...old, standing("new", true, ready)], { wanted: 2, order: "stop-first" }), { add: 0, remove: [] });
  assert.deepEqual(take([...old, standing("new", true, settled)], { wanted: 2, order: "stop-first" }), { add: 1, remove: ["b"] });
});

test("stop-first takes away no more than maxUnavailable at once, however many may be on their way", () => {
  const old = ["a", "b", "c", "d"].map((id) => standing(id, false, settled));
  const goes = (update: Partial<Aim["update"]>, standings = old) =>
    take(standings, { wanted: 4, order: "stop-first", update: { parallel: 3, monitor: "5s", onFailure: "rollback", ...update } }).remove;
  assert.deepEqual(goes({}), ["a", "b", "c"]);
  assert.deepEqual(goes({ maxUnavailable: 2 }), ["a", "b"]);
  assert.deepEqual(goes({ maxUnavailable: 4 }), ["a", "b", "c"], "nor more than `parallel`");
  const half = [...old.slice(2), standing("new a", true, settled), standing("new b", true, waiting)];
  assert.deepEqual(goes({ maxUnavailable: 1 }, half), [], "one is missing still");
  assert.deepEqual(goes({ maxUnavailable: 2 }, half), ["c"]);
});

test("what is too many goes, and what does not serve goes first", () => {
  assert.deepEqual(take([standing("a", true, settled), standing("b", true, waiting), standing("c", true, settled)], { wanted: 1 }), {
    add: 0,
    remove: ["b", "c"],
  });
});

test("none wanted means none left", () => {
  for (const order of ["start-first", "stop-first"] as const)
    assert.deepEqual(take([standing("a", false, settled), standing("b", true, settled)], { wanted: 0, order }).remove.sort(), ["a", "b"]);
});

test("one on each node: the old one goes for the new one of the same node", () => {
  const standings = [standing("old1", false, settled, "n1"), standing("old2", false, settled, "n2"), standing("new1", true, settled, "n1")];
  assert.deepEqual(take(standings, { wanted: 2, each: true }), { add: 0, remove: ["old1"] });
});

test("what fails elsewhere keeps nobody on a node that is left, unless it is the heir itself", () => {
  const moving = { wanted: 3, proven: true, moving: true };
  const left = standing("a", false, settled);
  assert.deepEqual(take([left, standing("b", true, settled), standing("c", true, failing), standing("d", true, settled)], moving), {
    add: 0,
    remove: ["a"],
  });
  assert.deepEqual(take([left, standing("b", true, settled), standing("c", true, settled), standing("d", true, failing)], moving), {
    add: 0,
    remove: [],
  });
  assert.deepEqual(take([standing("a", false, failing), standing("b", true, failing)], { ...moving, wanted: 1 }).remove, ["a"]);
});

test("of two on a node the less useful one goes first, and what serves does not go for what fails", () => {
  const old = [
    standing("a", false, ready, "nas"),
    standing("b", false, ready, "pi"),
    standing("c", false, failing, "nas"),
    standing("d", false, failing, "pi"),
  ];
  assert.deepEqual(take(old, { wanted: 2, each: true }).remove, ["c", "d"]);
});

test("stop-first stops no other one while what was stopped before is still to be placed", () => {
  const old = [standing("b", false, settled), standing("c", false, settled)];
  assert.deepEqual(take(old, { wanted: 3, order: "stop-first", pending: 1 }), { add: 1, remove: [] });
  assert.deepEqual(take(old, { wanted: 3, order: "stop-first" }).remove, ["b"]);
});

test("of two old ones on a node one goes before the only one of another does", () => {
  const each = { wanted: 2, each: true };
  assert.deepEqual(
    take([standing("a", false, settled, "nas"), standing("b", false, settled, "pi"), standing("c", false, settled, "pi")], each),
    {
      add: 0,
      remove: ["c"],
    },
  );
});
