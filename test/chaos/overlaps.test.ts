import assert from "node:assert/strict";
import { test } from "node:test";
import { overlaps, RUN_GAP_MS, withLook, type Run } from "./overlaps.ts";

type Look = readonly [host: string, atMs: number, ...containers: string[]];
const runsOf = (...looks: readonly Look[]): readonly Run[] =>
  looks.reduce<readonly Run[]>((runs, [host, atMs, ...containers]) => withLook(runs, { app: "alone", host, atMs, containers }), []);

test("two computers that run it in turn are well, two that run it together are not", () => {
  const inTurn = runsOf(["h1", 0, "a"], ["h1", 500, "a"], ["h1", 1_000], ["h2", 1_200, "b"], ["h2", 1_700, "b"]);
  assert.deepEqual(
    overlaps(inTurn, () => []),
    [],
  );
  const together = runsOf(["h1", 0, "a"], ["h2", 100, "b"], ["h1", 500, "a"], ["h2", 600, "b"], ["h1", 1_000, "a"]);
  assert.deepEqual(
    overlaps(together, () => []),
    [{ app: "alone", atMs: 100, what: "a on h1 and b on h2 ran together for 0.5 s" }],
  );
});

test("a computer that nobody saw tells nothing of the time between, and who was frozen may be late", () => {
  const silent = runsOf(["h1", 0, "a"], ["h2", 1_000, "b"], ["h2", 2_000, "b"], ["h1", RUN_GAP_MS + 1, "a"]);
  assert.deepEqual(
    overlaps(silent, () => []),
    [],
  );
  const late = runsOf(["h2", 0, "b"], ["h1", 100, "a"], ["h1", 900, "a"], ["h2", 1_000, "b"]);
  assert.equal(overlaps(late, () => []).length, 1);
  assert.deepEqual(
    overlaps(late, (host) => (host === "h1" ? [{ fromMs: 0, toMs: 5_000 }] : [])),
    [],
  );
});
