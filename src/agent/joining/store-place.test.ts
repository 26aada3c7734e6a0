import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test, type TestContext } from "node:test";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import { silentLog } from "../../../test/support/real.ts";
import type { Child } from "../child.ts";
import { StorePlace } from "./store-place.ts";

const LAN = "192.168.1.2";
const TAILNET = "100.64.0.2";

function placeOf(t: TestContext, { known = "", isServed = true, isRunning = true } = {}) {
  const dataDir = mkdtempSync(path.join(tmpdir(), "fossora-place-"));
  mkdirSync(path.join(dataDir, "etcd"));
  writeFileSync(path.join(dataDir, "etcd/ports.json"), JSON.stringify({ client: 2379, peer: 2380 }));
  const [clock, stopping] = [new VirtualClock(), new AbortController()];
  const here = { addresses: [LAN], keeps: 0, isServed };
  const place = new StorePlace({
    dataDir,
    nodeId: "b",
    addresses: () => here.addresses,
    child: { running: () => (isRunning ? {} : undefined) } as Child, // nothing else of it is asked
    known: () => [{ nodeId: "b", peerUrl: known }],
    isServed: () => here.isServed,
    keep: async () => void (here.keeps += 1),
    clock,
    log: silentLog,
  });
  const running = place.run(stopping.signal);
  t.after(async () => {
    stopping.abort();
    await running;
    rmSync(dataDir, { recursive: true });
  });
  return { clock, here, place };
}

test("a store whose address is gone starts anew at once", async (t) => {
  const { clock, here, place } = placeOf(t);
  here.addresses = ["192.168.1.9"];
  await clock.advance(1_500);
  assert.deepEqual([here.keeps, place.hasMore, place.peerUrl], [1, false, "https://192.168.1.9:2380"]);
});

test("an address more waits for its turn where the house's store answers, but not for ever", async (t) => {
  const { clock, here, place } = placeOf(t);
  here.addresses = [LAN, TAILNET];
  await clock.advance(1_500);
  assert.deepEqual([here.keeps, place.hasMore], [0, true]);
  await place.follow();
  await clock.advance(2_000);
  assert.deepEqual([here.keeps, place.hasMore], [1, false]);
  here.addresses = [LAN, TAILNET, "10.0.0.2"];
  await clock.advance(125_000);
  assert.deepEqual([here.keeps, place.hasMore], [2, false]);
});

test("where the store does not answer anyway, nobody is waited for", async (t) => {
  const { clock, here } = placeOf(t, { isServed: false });
  here.addresses = [LAN, TAILNET];
  await clock.advance(1_500);
  assert.equal(here.keeps, 1);
});

test("an address that comes and goes starts nothing anew", async (t) => {
  const { clock, here, place } = placeOf(t);
  here.addresses = [LAN, TAILNET];
  await clock.advance(1_500);
  here.addresses = [LAN];
  await clock.advance(1_500);
  assert.deepEqual([here.keeps, place.hasMore], [0, false]);
});

test("after a boot a tailnet that was there is waited for, for three seconds", async (t) => {
  const known = `https://${LAN}:2380,https://[::ffff:${TAILNET}]:2380`;
  const waits = async (options: Parameters<typeof placeOf>[1], comes: boolean): Promise<number> => {
    const { clock, here, place } = placeOf(t, options);
    const beganMs = clock.now();
    let endedMs: number | undefined;
    const waiting = place.waitForTailnet(new AbortController().signal).then(() => (endedMs = clock.now()));
    await clock.advance(950);
    if (comes) here.addresses = [LAN, TAILNET];
    await clock.advance(5_000);
    await waiting;
    return (endedMs ?? Number.NaN) - beganMs;
  };
  assert.equal(await waits({ known, isRunning: false }, true), 1_000);
  assert.equal(await waits({ known, isRunning: false }, false), 3_000);
  assert.equal(await waits({ known: `https://${LAN}:2380`, isRunning: false }, false), 0);
  assert.equal(await waits({ known, isRunning: true }, false), 0);
});
