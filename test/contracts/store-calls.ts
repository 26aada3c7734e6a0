// Single calls: listings, reads and transactions.
import assert from "node:assert/strict";
import { OutcomeUnknown, StoreUnavailable } from "../../src/api/errors.ts";
import { put, putEach, readerOf, signal, storeTest, valueOf, type StoreBench } from "./store-bench.ts";
import { StoreReader } from "./store-reader.ts";

export function readCases(bench: () => StoreBench): void {
  storeTest("a listing holds every key below the prefix, in order, and no other", bench, async (b, store, prefix) => {
    const keys = await putEach(b, prefix, 1_200);
    await put(b, `${prefix.slice(0, -1)}-neighbour`, "not below it");
    const { entries, revision } = await b.settled(store.list(prefix, signal));
    assert.deepEqual(
      entries.map(({ key }) => key),
      keys,
    );
    assert.ok(entries.every(({ modRevision, version }) => modRevision <= revision && version === 1));
  });

  storeTest("a listing below several prefixes holds what is below each, and nothing in between", bench, async (b, store, prefix) => {
    const made = ["a/1", "a/2", "b/1", "c/1", "d/1"].map((key) => `${prefix}${key}`);
    for (const key of made) await put(b, key, "1");
    const listing = await b.settled(store.list([`${prefix}d/`, `${prefix}a/`, `${prefix}none/`], signal));
    assert.deepEqual(listing.entries.map(({ key }) => key).toSorted(), [made[0], made[1], made[4]]);
    const whole = await b.settled(store.list(prefix, signal));
    assert.deepEqual([listing.clusterId, listing.revision], [whole.clusterId, whole.revision]);
  });

  storeTest(
    "a listing and the watch from its revision on give what is there in the end, while others write",
    bench,
    async (b, store, prefix) => {
      await putEach(b, prefix, 1_200);
      const writing = (async () => {
        for (let round = 0; round < 40; round++) {
          await b.others.commit(
            {
              compare: [],
              writes: [
                { put: `${prefix}${String(round * 29).padStart(5, "0")}`, value: "changed" },
                { delete: `${prefix}${String(round * 30 + 1).padStart(5, "0")}` },
              ],
            },
            signal,
          );
        }
      })();
      const listing = await b.settled(store.list(prefix, signal));
      const reader = new StoreReader(store, prefix, listing.revision + 1);
      await b.settled(writing);
      const end = await b.settled(b.others.list(prefix, signal));
      await b.until(() => reader.revision >= Math.max(...end.entries.map(({ modRevision }) => modRevision)), "the last event");
      assert.deepEqual(reader.stateAfter(listing.entries), new Map(end.entries.map((entry) => [entry.key, entry.value])));
      await reader.stop();
    },
  );

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

export function writeCases(bench: () => StoreBench): void {
  storeTest("of many who write the same key against the same revision one wins", bench, async (b, store, prefix) => {
    const key = `${prefix}a`;
    const results = await b.settled(
      Promise.all(
        Array.from({ length: 20 }, (_, index) =>
          store.commit({ compare: [{ key, modRevision: 0 }], writes: [{ put: key, value: `${index}` }] }, signal),
        ),
      ),
    );
    const winners = results.flatMap(({ committed }, index) => (committed ? [`${index}`] : []));
    assert.equal(winners.length, 1);
    assert.equal(await valueOf(b, key), winners[0]);
  });

  storeTest("a compare that fails leaves every key of the transaction as it was", bench, async (b, store, prefix) => {
    await put(b, `${prefix}a`, "1");
    const result = await b.settled(
      store.commit(
        { compare: [{ key: `${prefix}a`, modRevision: 1 }], writes: [{ delete: `${prefix}a` }, { put: `${prefix}b`, value: "2" }] },
        signal,
      ),
    );
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
    const twice = store.commit(
      {
        compare: [],
        writes: [
          { put: `${prefix}a`, value: "1" },
          { put: `${prefix}a`, value: "2" },
        ],
      },
      signal,
    );
    await assert.rejects(b.settled(twice), (error) => !(error instanceof StoreUnavailable) && !(error instanceof OutcomeUnknown));
  });

  storeTest("while connections break, what is answered is written, and what is unavailable is not", bench, async (b, store, prefix) => {
    const [acknowledged, refused]: [string[], string[]] = [[], []];
    b.network.flap();
    for (let index = 0; index < 150; index++) {
      const key = `${prefix}${index}`;
      try {
        const { committed } = await b.settled(
          store.commit({ compare: [{ key, modRevision: 0 }], writes: [{ put: key, value: "x" }] }, signal),
        );
        assert.equal(committed, true, "a write that had happened was sent again");
        acknowledged.push(key);
      } catch (error) {
        if (error instanceof StoreUnavailable) refused.push(key);
        else if (!(error instanceof OutcomeUnknown)) throw error;
      }
    }
    b.network.heal();
    const { entries } = await b.settled(b.others.list(prefix, signal));
    const there = new Set(entries.map(({ key }) => key));
    assert.deepEqual(
      acknowledged.filter((key) => !there.has(key)),
      [],
      "acknowledged and lost",
    );
    assert.deepEqual(
      refused.filter((key) => there.has(key)),
      [],
      "said not to be written, and written",
    );
    assert.ok(acknowledged.length > 0);
  });
}
