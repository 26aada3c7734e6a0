import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { silentLog, realClock } from "../../test/support/real.ts";
import { until } from "../../test/support/until.ts";
import type { Clock } from "../ports.ts";
import type { HouseCopy } from "../engine/contract.ts";
import { CopyKeeper, readCopy } from "./house-copy.ts";

const owner = { houseId: "house", epoch: 2, clusterId: "c1" };
const entry = (key: string, value: string) => ({ key, value, version: 1, createRevision: 3, modRevision: 7 });

/** Nothing is waited for between one write and the next. */
const restlessClock: Clock = { ...realClock, sleep: async () => {} };

async function kept(t: TestContext, clock: Clock = realClock) {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-copy-"));
  t.after(() => rmSync(dataDir, { recursive: true }));
  const listeners = new Set<(changes: readonly unknown[]) => void>();
  const world = { fresh: true, copy: { clusterId: "c1", revision: 7, entries: [entry("/fossora/a", "ä\u0000\n")] } as HouseCopy };
  const mirror = {
    get fresh() {
      return world.fresh;
    },
    copy: () => world.copy,
    subscribe: (listener: (changes: readonly unknown[]) => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
  const stop = new AbortController();
  const running = new CopyKeeper({ dataDir, owner, mirror, clock, log: silentLog }).run(stop.signal);
  const change = (copy: HouseCopy): void => {
    world.copy = copy;
    for (const listener of listeners) listener(["something"]);
  };
  change(world.copy);
  const notice = (): void => {
    for (const listener of listeners) listener([]);
  };
  const file = path.join(dataDir, "cache.json");
  await until("it is written", () => readdirSync(dataDir).includes("cache.json"));
  return { dataDir, file, world, change, notice, stop, running };
}

test("a copy is kept whole, for its owner's eyes alone, and read as it was", async (t) => {
  const { dataDir, file, world, stop, running } = await kept(t);
  assert.equal(statSync(file).mode & 0o777, 0o600);
  const read = readCopy(dataDir, owner, silentLog);
  assert.deepEqual(read?.copy, world.copy);
  assert.ok(Math.abs((read?.asOfMs ?? 0) - Date.now()) < 60_000);
  stop.abort(new Error("end"));
  await running;
});

test("the last change is on the disk when the agent has ended, however soon that was", async (t) => {
  const { dataDir, change, stop, running } = await kept(t);
  const last = { clusterId: "c1", revision: 9, entries: [entry("/fossora/b", "{}")] };
  change(last);
  stop.abort(new Error("end"));
  await running;
  assert.deepEqual(readCopy(dataDir, owner, silentLog)?.copy, last);
});

test("it keeps nothing of the turns that it took", async (t) => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void; // V8's own function
  const { notice, stop, running } = await kept(t, restlessClock);
  const turns = async (count: number): Promise<number> => {
    for (let turn = 0; turn < count; turn++) {
      notice();
      await new Promise(setImmediate);
    }
    collect();
    return process.memoryUsage().heapUsed;
  };
  const before = await turns(2_000);
  const grown = (await turns(20_000)) - before;
  assert.ok(grown < 1_000_000, `${grown} bytes more after 20,000 turns`);
  stop.abort(new Error("end"));
  await running;
});

test("a torn or foreign file is set aside and never believed", async (t) => {
  const { dataDir, file, stop, running } = await kept(t);
  stop.abort(new Error("end"));
  await running;
  const good = readFileSync(file, "utf8");
  const bad = [good.slice(0, -20), "", "[]", "null", good.replace("fossora/a", "fossora/b"), good.replace('"format":1', '"format":2')];
  for (const text of bad) {
    writeFileSync(file, text);
    assert.equal(readCopy(dataDir, owner, silentLog), undefined, text);
    assert.deepEqual(readdirSync(dataDir), ["cache.set-aside.json"]);
  }
  for (const other of [{ houseId: "other" }, { epoch: 3 }, { clusterId: "c2" }]) {
    writeFileSync(file, good);
    assert.equal(readCopy(dataDir, { ...owner, ...other }, silentLog), undefined);
  }
  writeFileSync(file, good);
  assert.ok(readCopy(dataDir, owner, silentLog));
});

test("what is of another cluster than the node belongs to is not kept", async (t) => {
  const { dataDir, world, change, stop, running } = await kept(t);
  const before = world.copy;
  change({ clusterId: "c2", revision: 99, entries: [] });
  stop.abort(new Error("end"));
  await running;
  assert.deepEqual(readCopy(dataDir, owner, silentLog)?.copy, before);
});
