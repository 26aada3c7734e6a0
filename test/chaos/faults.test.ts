import assert from "node:assert/strict";
import { test } from "node:test";
import { SeededRandom } from "../fakes/clock.ts";
import { drawEpisodes, inTurn, takesAway, tolerance, type Episode, type Fault } from "./faults.ts";

const COUNT = 2_000;

function episodes(seed: number, hosts: 3 | 5, calm = false): readonly Episode[] {
  return drawEpisodes(new SeededRandom(seed), { hosts, calm }).take(COUNT).toArray();
}

test("the same seed draws the same trouble, another one another", () => {
  assert.deepEqual(episodes(7, 3), episodes(7, 3));
  assert.notDeepEqual(episodes(7, 3), episodes(8, 3));
});

test("what is tolerated takes no more computers away at once than the house can spare, and what is not takes more", () => {
  for (const hosts of [3, 5] as const) {
    for (const { faults, tolerated } of episodes(hosts, hosts)) {
      const away = new Set(faults.filter(takesAway).map(({ host }) => host));
      assert.equal(away.size <= tolerance(hosts), tolerated, JSON.stringify(faults));
    }
  }
});

test("every kind befalls every computer, but the disk that holds data is never wiped", () => {
  const seen = new Set(episodes(1, 3).flatMap(({ faults }) => faults.map(({ kind, host }) => `${kind} h${host}`)));
  const kinds = ["power", "pause", "hang", "cut", "cut-out", "cut-in", "dockerd", "disk", "etcd", "agent", "ingress", "slow", "cut-pair"];
  const missing = kinds.flatMap((kind) => [1, 2, 3].map((host) => `${kind} h${host}`)).filter((each) => !seen.has(each));
  assert.deepEqual(missing, []);
  assert.deepEqual([seen.has("wipe h2"), seen.has("wipe h3"), seen.has("wipe h1")], [true, true, false]);
});

test("pairs come, some of them on different computers of a house of five", () => {
  const pairs = episodes(3, 5).filter(({ faults, tolerated }) => tolerated && faults.length === 2);
  assert.ok(pairs.some(({ faults }) => new Set(faults.filter(takesAway).map(({ host }) => host)).size === 2));
});

test("in calm times nothing stands still for two seconds, and no computer goes away", () => {
  for (const { faults, tolerated } of episodes(4, 3, true)) {
    assert.ok(tolerated && !faults.some(takesAway));
    for (const { kind, forMs, delayMs = 0 } of faults) assert.ok((kind !== "stall" || forMs < 2_000) && delayMs <= 200);
  }
});

test("faults of one computer follow each other, those of several may meet", () => {
  const fault = (host: number, atMs: number, forMs: number): Fault => ({ kind: "power", host, atMs, forMs });
  assert.deepEqual(
    inTurn([fault(1, 500, 5_000), fault(1, 0, 1_000), fault(2, 700, 100)]).map(({ host, atMs }) => [host, atMs]),
    [
      [1, 0],
      [1, 1_001],
      [2, 700],
    ],
  );
});
