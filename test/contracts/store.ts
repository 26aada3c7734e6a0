// What every store behind the `Store` port must do, whatever the network and the store's own machines do: run on the fake and on real
// etcd, so that the simulator's fake stays honest. 0 events lost, 0 acknowledged writes lost, no delete made up.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { OutcomeUnknown, StoreUnavailable, WatchExpired } from "../../src/api/errors.ts";
import type { Clock, Store } from "../../src/ports.ts";
import { StoreReader } from "./store-reader.ts";

/** What may befall the way between the node under test and the store. */
export interface StoreNetwork {
  /** Breaks what is open, once. */
  cut(): void;
  /** Breaks what is open every few moments. */
  flap(): void;
  /** Breaks every connection in the middle of what it carries. */
  cutInTheMiddle(): void;
  /** Nobody answers and nothing breaks. */
  freeze(): void;
  refuse(): void;
  delay(ms: number): void;
  heal(): void;
}

export interface StoreBench {
  readonly clock: Clock;
  readonly network: StoreNetwork;
  /** A store of the node under test. */
  open(): Store;
  /** A store of somebody whom `network` does not touch. */
  readonly others: Store;
  /** Ends all members at once, as a power cut does. */
  stop(): Promise<void>;
  start(): Promise<void>;
  compact(): Promise<void>;
  loseLeases(): Promise<void>;
  /** Answers what puts the store back to this moment, in a cluster of another id. */
  snapshot(): Promise<() => Promise<void>>;
  /** Puts an empty store of another cluster in its place. */
  replaceByEmpty(): Promise<void>;
  /** Lets time pass until the work is done; fails after a deadline. */
  settled<T>(work: Promise<T>): Promise<T>;
  /** Lets time pass until it holds; fails after a deadline. */
  until(holds: () => boolean, what: string): Promise<void>;
}

const signal = new AbortController().signal;

export function storeContract(name: string, bench: () => StoreBench): void {
  describe(name, () => {
    readCases(bench);
    writeCases(bench);
    watchCases(bench);
    brokenWatchCases(bench);
    leaseCases(bench);
    replacedStoreCases(bench);
  });
}

// ---------------------------------------------------------------- what the cases share

let cases = 0;

/** Cases do not meet: each has a prefix of its own. */
function ownPrefix(): string {
  cases += 1;
  return `/fossora/case-${cases}/`;
}

/** One case: its store is closed and the network healed whatever happens. */
function storeTest(name: string, bench: () => StoreBench, run: (bench: StoreBench, store: Store, prefix: string) => Promise<void>): void {
  test(name, async () => {
    const store = bench().open();
    try {
      await run(bench(), store, ownPrefix());
    } finally {
      bench().network.heal();
      await bench().settled(store.close());
    }
  });
}

/** `count` keys, each a revision of its own. */
async function putEach(bench: StoreBench, prefix: string, count: number): Promise<readonly string[]> {
  const keys = Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(5, "0")}`);
  for (let from = 0; from < count; from += 250) {
    const puts = keys.slice(from, from + 250).map((key) => bench.others.commit({ compare: [], writes: [{ put: key, value: `value of ${key}` }] }, signal));
    await bench.settled(Promise.all(puts));
  }
  return keys;
}

async function put(bench: StoreBench, key: string, value: string): Promise<void> {
  await bench.settled(bench.others.commit({ compare: [], writes: [{ put: key, value }] }, signal));
}

async function remove(bench: StoreBench, key: string): Promise<void> {
  await bench.settled(bench.others.commit({ compare: [], writes: [{ delete: key }] }, signal));
}

async function valueOf(bench: StoreBench, key: string): Promise<string | undefined> {
  return (await bench.settled(bench.others.get(key, signal)))?.value;
}

/** Reads from what is there now. */
async function readerOf(bench: StoreBench, store: Store, prefix: string): Promise<StoreReader> {
  const { revision } = await bench.settled(store.list(prefix, signal));
  return new StoreReader(store, prefix, revision + 1);
}

function assertEachOnce(reader: StoreReader, keys: readonly string[]): void {
  const revisions = reader.events.map(({ modRevision }) => modRevision);
  assert.deepEqual(reader.events.map(({ key }) => key).toSorted(), keys.toSorted());
  assert.deepEqual(revisions, revisions.toSorted((a, b) => a - b), "events came out of order");
}

// ---------------------------------------------------------------- cases

function readCases(bench: () => StoreBench): void {
  storeTest("a listing holds every key below the prefix, in order, and no other", bench, async (b, store, prefix) => {
    const keys = await putEach(b, prefix, 1_200);
    await put(b, `${prefix.slice(0, -1)}-neighbour`, "not below it");
    const { entries, revision } = await b.settled(store.list(prefix, signal));
    assert.deepEqual(entries.map(({ key }) => key), keys);
    assert.ok(entries.every(({ modRevision, version }) => modRevision <= revision && version === 1));
  });

  storeTest("a listing and the watch from its revision on give what is there in the end, while others write", bench, async (b, store, prefix) => {
    await putEach(b, prefix, 1_200);
    const writing = (async () => {
      for (let round = 0; round < 40; round++) {
        await b.others.commit({ compare: [], writes: [{ put: `${prefix}${String(round * 29).padStart(5, "0")}`, value: "changed" }, { delete: `${prefix}${String(round * 30 + 1).padStart(5, "0")}` }] }, signal);
      }
    })();
    const listing = await b.settled(store.list(prefix, signal));
    const reader = new StoreReader(store, prefix, listing.revision + 1);
    await b.settled(writing);
    const end = await b.settled(b.others.list(prefix, signal));
    await b.until(() => reader.revision >= Math.max(...end.entries.map(({ modRevision }) => modRevision)), "the last event");
    assert.deepEqual(reader.stateAfter(listing.entries), new Map(end.entries.map((entry) => [entry.key, entry.value])));
    await reader.stop();
  });

  storeTest("one key is read with its version and revisions, a missing one is undefined", bench, async (b, store, prefix) => {
    await put(b, `${prefix}a`, "1");
    await put(b, `${prefix}a`, "2");
    const entry = await b.settled(store.get(`${prefix}a`, signal));
    assert.equal(entry?.value, "2");
    assert.equal(entry.version, 2);
    assert.ok(entry.modRevision > entry.createRevision);
    assert.equal(await b.settled(store.get(`${prefix}b`, signal)), undefined);
  });

  storeTest("status names the member and says that there is a quorum", bench, async (b, store, prefix) => {
    const status = await b.settled(store.status(signal));
    const { clusterId } = await b.settled(store.list(prefix, signal));
    assert.equal(status.clusterId, clusterId);
    assert.equal(status.quorum, true);
    assert.notEqual(status.memberId, "");
  });

  storeTest("a store that nobody reaches is StoreUnavailable, never an empty listing", bench, async (b, store, prefix) => {
    await put(b, `${prefix}a`, "1");
    b.network.refuse();
    await assert.rejects(b.settled(store.list(prefix, signal)), StoreUnavailable);
  });

  storeTest("a call ends with its signal's reason", bench, async (b, store, prefix) => {
    b.network.freeze();
    const abort = new AbortController();
    const listing = store.list(prefix, abort.signal);
    abort.abort(new Error("no longer wanted"));
    await assert.rejects(b.settled(listing), /no longer wanted/);
  });
}

function writeCases(bench: () => StoreBench): void {
  storeTest("of many who write the same key against the same revision one wins", bench, async (b, store, prefix) => {
    const key = `${prefix}a`;
    const results = await b.settled(Promise.all(Array.from({ length: 20 }, (_, index) => store.commit({ compare: [{ key, modRevision: 0 }], writes: [{ put: key, value: `${index}` }] }, signal))));
    const winners = results.flatMap(({ committed }, index) => (committed ? [`${index}`] : []));
    assert.equal(winners.length, 1);
    assert.equal(await valueOf(b, key), winners[0]);
  });

  storeTest("a compare that fails leaves every key of the transaction as it was", bench, async (b, store, prefix) => {
    await put(b, `${prefix}a`, "1");
    const result = await b.settled(store.commit({ compare: [{ key: `${prefix}a`, modRevision: 1 }], writes: [{ delete: `${prefix}a` }, { put: `${prefix}b`, value: "2" }] }, signal));
    assert.equal(result.committed, false);
    assert.equal(await valueOf(b, `${prefix}a`), "1");
    assert.equal(await valueOf(b, `${prefix}b`), undefined);
  });

  storeTest("a transaction is one revision and comes as one batch", bench, async (b, store, prefix) => {
    const reader = await readerOf(b, store, prefix);
    const writes = Array.from({ length: 300 }, (_, index) => ({ put: `${prefix}${index}`, value: "x".repeat(100) }));
    const { revision } = await b.settled(store.commit({ compare: [], writes }, signal));
    await b.until(() => reader.events.length > 0, "the transaction's events");
    assert.equal(reader.events.length, 300);
    assert.ok(reader.events.every(({ modRevision }) => modRevision === revision));
    await reader.stop();
  });

  storeTest("a transaction that names a key twice is an error at once", bench, async (b, store, prefix) => {
    const twice = store.commit({ compare: [], writes: [{ put: `${prefix}a`, value: "1" }, { put: `${prefix}a`, value: "2" }] }, signal);
    await assert.rejects(b.settled(twice), (error) => !(error instanceof StoreUnavailable) && !(error instanceof OutcomeUnknown));
  });

  storeTest("while connections break, what is answered is written, and what is unavailable is not", bench, async (b, store, prefix) => {
    const [acknowledged, refused]: [string[], string[]] = [[], []];
    b.network.flap();
    for (let index = 0; index < 150; index++) {
      const key = `${prefix}${index}`;
      try {
        await b.settled(store.commit({ compare: [{ key, modRevision: 0 }], writes: [{ put: key, value: "x" }] }, signal));
        acknowledged.push(key);
      } catch (error) {
        if (error instanceof StoreUnavailable) refused.push(key);
        else if (!(error instanceof OutcomeUnknown)) throw error;
      }
    }
    b.network.heal();
    const { entries } = await b.settled(b.others.list(prefix, signal));
    const there = new Set(entries.map(({ key }) => key));
    assert.deepEqual(acknowledged.filter((key) => !there.has(key)), [], "acknowledged and lost");
    assert.deepEqual(refused.filter((key) => there.has(key)), [], "said not to be written, and written");
    assert.ok(acknowledged.length > 0);
  });
}

function watchCases(bench: () => StoreBench): void {
  storeTest("a watch from the past gives every event since, deletes too, each once and in order", bench, async (b, store, prefix) => {
    const { revision } = await b.settled(store.list(prefix, signal));
    const keys = await putEach(b, prefix, 300);
    await remove(b, `${prefix}00007`);
    const reader = new StoreReader(store, prefix, revision + 1);
    await b.until(() => reader.events.length >= 301, "301 events");
    await put(b, `${prefix}later`, "1");
    await b.until(() => reader.events.length >= 302, "the event after");
    assertEachOnce(reader, [...keys, `${prefix}00007`, `${prefix}later`]);
    assert.equal(reader.events[300]?.type, "delete");
    await reader.stop();
  });

  storeTest("a watch says that it is alive while nothing happens", bench, async (b, store, prefix) => {
    const reader = await readerOf(b, store, prefix);
    const beganMs = b.clock.now();
    await b.until(() => reader.batches >= 2, "two signs of life");
    assert.deepEqual(reader.events, []);
    assert.ok(b.clock.now() - beganMs <= 12_000);
    await reader.stop();
  });

  storeTest("a watch ends with its signal's reason", bench, async (b, store, prefix) => {
    const reader = await readerOf(b, store, prefix);
    await b.until(() => reader.batches >= 1, "a sign of life");
    await b.settled(reader.stop());
    assert.equal(reader.ended, StoreReader.stopped);
  });
}

function brokenWatchCases(bench: () => StoreBench): void {
  storeTest("5,000 events are each delivered once though every reconnect is cut during catch-up", bench, async (b, store, prefix) => {
    const reader = await readerOf(b, store, prefix);
    b.network.refuse();
    const keys = await putEach(b, prefix, 5_000);
    b.network.heal();
    b.network.cutInTheMiddle();
    await b.until(() => reader.events.length >= 5_000, "5,000 events");
    b.network.heal();
    await put(b, `${prefix}later`, "1");
    await b.until(() => reader.events.length >= 5_001, "the event after");
    assertEachOnce(reader, [...keys, `${prefix}later`]);
    await reader.stop();
  });

  storeTest("a watch that was frozen goes on where it was", bench, async (b, store, prefix) => {
    const reader = await readerOf(b, store, prefix);
    b.network.freeze();
    const keys = await putEach(b, prefix, 200);
    const frozenAtMs = b.clock.now();
    await b.until(() => b.clock.now() - frozenAtMs >= 8_000, "8 s");
    assert.deepEqual(reader.events, []);
    b.network.heal();
    await b.until(() => reader.events.length >= 200, "200 events");
    assertEachOnce(reader, keys);
    await reader.stop();
  });

  storeTest("a slow network delays events and loses none", bench, async (b, store, prefix) => {
    const reader = await readerOf(b, store, prefix);
    b.network.delay(200);
    const keys = await putEach(b, prefix, 50);
    b.network.cut();
    await b.until(() => reader.events.length >= 50, "50 events");
    assertEachOnce(reader, keys);
    await reader.stop();
  });

  storeTest("a watch over a compacted gap expires and makes nothing up", bench, async (b, store, prefix) => {
    await put(b, `${prefix}a`, "1");
    const reader = await readerOf(b, store, prefix);
    await b.until(() => reader.batches >= 1, "a sign of life");
    b.network.refuse();
    await put(b, `${prefix}a`, "2");
    await put(b, `${prefix}a`, "3");
    await b.compact();
    b.network.heal();
    await b.until(() => reader.ended !== undefined, "the watch's end");
    assert.ok(reader.ended instanceof WatchExpired, String(reader.ended));
    assert.deepEqual(reader.events, []);
  });

  storeTest("a power cut of all members loses no acknowledged write and no event", bench, async (b, store, prefix) => {
    const before = await readerOf(b, store, prefix);
    const keys = await putEach(b, prefix, 100);
    await b.stop();
    const stoppedAtMs = b.clock.now();
    await b.until(() => b.clock.now() - stoppedAtMs >= 1_000, "1 s");
    await b.start();
    await put(b, `${prefix}later`, "1");
    await b.until(() => before.events.length >= 101, "101 events");
    assertEachOnce(before, [...keys, `${prefix}later`]);
    assert.equal((await b.settled(store.list(prefix, signal))).entries.length, 101);
    await before.stop();
  });
}

function leaseCases(bench: () => StoreBench): void {
  const ttlMs = 3_000;

  storeTest("a lease's keys stay while it is renewed, and go at once when it is closed", bench, async (b, store, prefix) => {
    const reader = await readerOf(b, store, prefix);
    const lease = store.lease(ttlMs);
    lease.put(`${prefix}a`, "1");
    await b.until(() => reader.events.length === 1, "the key");
    const firstMs = lease.renewedAtMs();
    assert.ok(firstMs !== undefined);
    await b.until(() => b.clock.now() - firstMs >= 2 * ttlMs, "two lifetimes");
    assert.ok((lease.renewedAtMs() ?? 0) > firstMs);
    assert.equal(reader.events.length, 1);
    lease.put(`${prefix}a`, "2");
    lease.put(`${prefix}b`, "1");
    lease.delete(`${prefix}b`);
    await b.until(() => reader.events.some(({ value }) => value === "2"), "the new value");
    await b.settled(lease.close());
    await b.until(() => reader.events.at(-1)?.type === "delete", "the end of the key");
    assert.equal(await valueOf(b, `${prefix}a`), undefined);
    assert.equal(await valueOf(b, `${prefix}b`), undefined);
    await reader.stop();
  });

  storeTest("a lost lease is granted anew and its keys are written anew", bench, async (b, store, prefix) => {
    const reader = await readerOf(b, store, prefix);
    const lease = store.lease(ttlMs);
    lease.put(`${prefix}a`, "1");
    lease.put(`${prefix}b`, "2");
    await b.until(() => reader.events.length === 2, "both keys");
    await b.loseLeases();
    await b.until(() => reader.events.length === 6, "both keys gone and there again");
    assert.deepEqual(reader.stateAfter([]), new Map([[`${prefix}a`, "1"], [`${prefix}b`, "2"]]));
    await b.settled(lease.close());
    await reader.stop();
  });

  storeTest("a key outlives the last renewal by the lease's time, and comes back with the network", bench, async (b, store, prefix) => {
    const others = await readerOf(b, b.others, prefix);
    const lease = store.lease(ttlMs);
    lease.put(`${prefix}a`, "1");
    await b.until(() => others.events.length === 1, "the key");
    b.network.freeze();
    await b.until(() => others.events.at(-1)?.type === "delete", "the end of the key");
    assert.ok(b.clock.now() - (lease.renewedAtMs() ?? Infinity) >= ttlMs, "a fence measured from the last renewal would have come late");
    b.network.heal();
    await b.until(() => others.events.at(-1)?.type === "put", "the key again");
    await b.settled(lease.close());
    await others.stop();
  });
}

function replacedStoreCases(bench: () => StoreBench): void {
  storeTest("an older snapshot ends the watch, and the listing tells the truth of the snapshot", bench, async (b, store, prefix) => {
    await put(b, `${prefix}kept`, "1");
    const reader = await readerOf(b, store, prefix);
    const { clusterId } = await b.settled(store.list(prefix, signal));
    const lease = store.lease(60_000);
    lease.put(`${prefix}leased`, "1");
    await b.until(() => reader.events.length === 1, "the leased key");
    const restore = await b.snapshot();
    await put(b, `${prefix}lost`, "1");
    await b.until(() => reader.events.length === 2, "the key that will be lost");
    await b.settled(restore());
    await b.until(() => reader.ended !== undefined, "the watch's end");
    assert.ok(reader.ended instanceof WatchExpired, String(reader.ended));
    assert.ok(reader.events.every(({ type }) => type === "put"), "a delete was made up");
    const listing = await b.settled(store.list(prefix, signal));
    assert.deepEqual(listing.entries.map(({ key }) => key), [`${prefix}kept`, `${prefix}leased`]);
    assert.notEqual(listing.clusterId, clusterId);
    await b.settled(lease.close());
  });

  storeTest("an empty store in the place of ours ends the watch and makes no delete up, and leased keys are written to it", bench, async (b, store, prefix) => {
    await put(b, `${prefix}a`, "1");
    const reader = await readerOf(b, store, prefix);
    const { clusterId } = await b.settled(store.list(prefix, signal));
    const lease = store.lease(4_000);
    lease.put(`${prefix}leased`, "1");
    await b.until(() => reader.events.length === 1, "the leased key");
    await b.settled(b.replaceByEmpty());
    await b.until(() => reader.ended !== undefined, "the watch's end");
    assert.ok(reader.ended instanceof WatchExpired, String(reader.ended));
    assert.equal(reader.events.length, 1);
    assert.notEqual((await b.settled(store.list(prefix, signal))).clusterId, clusterId);
    await b.settled(b.others.list(prefix, signal));
    const leased = new StoreReader(b.others, prefix, 2);
    await b.until(() => leased.events.at(-1)?.key === `${prefix}leased`, "the leased key in the new store");
    await b.settled(lease.close());
    await leased.stop();
  });
}
