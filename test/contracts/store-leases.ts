// Leases: their keys live exactly as long as somebody says so.
import assert from "node:assert/strict";
import { readerOf, signal, storeTest, valueOf, type StoreBench } from "./store-bench.ts";

export function leaseCases(bench: () => StoreBench): void {
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

  storeTest("what is put for a time ends by itself, unless it is written again", bench, async (b, store, prefix) => {
    const reader = await readerOf(b, store, prefix);
    const [short, kept] = [`${prefix}short`, `${prefix}kept`];
    const writes = [short, kept].map((key) => ({ put: key, value: "1" }));
    const { committed } = await b.settled(store.commit({ compare: [{ key: short, modRevision: 0 }], writes, ttlMs }, signal));
    assert.equal(committed, true);
    await b.settled(store.commit({ compare: [], writes: [{ put: kept, value: "2" }] }, signal));
    await b.until(() => reader.events.at(-1)?.type === "delete", "the end of the key");
    assert.equal(await valueOf(b, short), undefined);
    assert.equal(await valueOf(b, kept), "2");
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
    assert.deepEqual(
      reader.stateAfter([]),
      new Map([
        [`${prefix}a`, "1"],
        [`${prefix}b`, "2"],
      ]),
    );
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
