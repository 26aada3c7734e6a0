import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { SeededRandom, VirtualClock } from "../../test/fakes/clock.ts";
import { FakeEtcd } from "../../test/fakes/store.ts";
import { OutcomeUnknown, StoreUnavailable } from "../api/errors.ts";
import { keys } from "../api/keys.ts";
import type { CommitResult } from "../ports.ts";
import { departure } from "./joining/departures.ts";
import { JoinWish } from "./joining/wish.ts";
import { leaveRoster } from "./leaving.ts";

const own = keys.houseNode("n");
const never = new AbortController().signal;
type Befalls = "its house is gone" | "lost before" | "lost after" | "silent" | "changed by another";

/** What befalls its writes, one after the other; those that follow are made and answered. */
async function leaving(t: TestContext, ...befalls: readonly Befalls[]) {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-leaving-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const clock = new VirtualClock();
  const store = new FakeEtcd(clock).client("n", { clock, random: new SeededRandom(1) });
  const { revision } = await store.commit({ compare: [], writes: [{ put: own, value: "{}" }] }, never);
  const left = [...befalls];
  let isOver = false;
  const commit: typeof store.commit = async (transaction, signal): Promise<CommitResult> => {
    const what = left.shift();
    if (what === "silent") throw new StoreUnavailable("no answer");
    if (what === "changed by another") await store.commit({ compare: [], writes: [{ put: own, value: "another" }] }, signal);
    if (what === "its house is gone") isOver = true;
    if (what === "lost after") await store.commit(transaction, signal);
    if (what !== undefined) throw new OutcomeUnknown("no answer");
    return store.commit(transaction, signal);
  };
  const wish = new JoinWish(dataDir);
  const ports = { store: { commit, get: store.get.bind(store) }, nodeId: "n", wish, isOver: () => isOver, clock };
  const done = leaveRoster(ports, departure("n", revision, { name: "n", removed: false }), never).then(
    () => "out",
    (error: unknown) => (error instanceof Error ? error.message : ""),
  );
  let outcome: string | undefined;
  void done.then((said) => (outcome = said));
  await clock.until(() => outcome !== undefined, 60_000);
  const { rests } = wish;
  return { outcome, rests, keptRests: new JoinWish(dataDir).rests, isThere: (await store.get(own, never)) !== undefined };
}

test("a node whose way out was lost before it was written goes by the next one", async (t) => {
  for (const befalls of [["lost before"], ["lost before", "silent", "lost before"]] as const)
    assert.deepEqual(await leaving(t, ...befalls), { outcome: "out", rests: true, keptRests: true, isThere: false });
});

test("a node that is out though nobody said so rests", async (t) => {
  for (const befalls of [["lost after"], ["lost after", "silent", "silent"]] as const)
    assert.deepEqual(await leaving(t, ...befalls), { outcome: "out", rests: true, keptRests: true, isThere: false });
});

test("a node that is in no house any more asks no more whether it is out", async (t) => {
  const { outcome, rests } = await leaving(t, "lost before", "its house is gone", "silent");
  assert.deepEqual([outcome, rests], ["out", true]);
});

test("a node that is not out does not rest", async (t) => {
  for (const [befalls, why] of [
    ["silent", "no answer"],
    ["changed by another", "Cannot leave: somebody changed this node just now. Try again."],
  ] as const)
    assert.deepEqual(await leaving(t, befalls), { outcome: why, rests: false, keptRests: false, isThere: true });
});
