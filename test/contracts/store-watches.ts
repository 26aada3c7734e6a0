// Watches: each event once, in order, through every fault; and no event that never was.
import assert from "node:assert/strict";
import { WatchExpired } from "../../src/api/errors.ts";
import { assertEachOnce, put, putEach, readerOf, remove, signal, storeTest, type StoreBench } from "./store-bench.ts";
import { StoreReader } from "./store-reader.ts";

export function watchCases(bench: () => StoreBench): void {
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

export function brokenWatchCases(bench: () => StoreBench): void {
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

export function replacedStoreCases(bench: () => StoreBench): void {
  storeTest(
    "an older snapshot ends the watch, and the listing tells the truth of the snapshot",
    bench,
    async (b, store, prefix) => {
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
      assert.ok(
        reader.events.every(({ type }) => type === "put"),
        "a delete was made up",
      );
      const listing = await b.settled(store.list(prefix, signal));
      assert.deepEqual(
        listing.entries.map(({ key }) => key),
        [`${prefix}kept`, `${prefix}leased`],
      );
      assert.notEqual(listing.clusterId, clusterId);
      await b.settled(lease.close());
    },
    ({ cannotRestore }) => cannotRestore,
  );

  storeTest(
    "an empty store in the place of ours ends the watch and makes no delete up, and leased keys are written to it",
    bench,
    async (b, store, prefix) => {
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
    },
  );
}
