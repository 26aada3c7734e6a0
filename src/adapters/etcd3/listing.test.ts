// How many entries a page has: on a link that brings so many bytes in the time of an attempt, with answers that may hold so many.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Etcd3 } from "etcd3";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import type { Call } from "./calls.ts";
import { Lister, PAGE_ENTRIES_MAX } from "./listing.ts";

const ATTEMPT_MS = 4_000;
const ATTEMPTS_MAX = 50;
const MIB = 2 ** 20;
const ANSWER_BYTES_MAX = 64 * MIB;

interface Link {
  readonly bytesPerMs: number;
  readonly failsWith?: string;
}

/** A store whose entries are of these sizes, behind that link. */
class SlowStore {
  readonly limits: number[] = [];
  readonly #sizes: readonly number[];
  readonly #clock: VirtualClock;
  link: Link;

  constructor(sizes: readonly number[], { clock, link }: { readonly clock: VirtualClock; readonly link: Link }) {
    this.#sizes = sizes;
    this.#clock = clock;
    this.link = link;
  }

  /** Tries until it is answered. */
  readonly read = async <T>(call: Call<T>): Promise<T> => {
    const etcd = { kv: { range: (range: Range) => this.#range(range) } } as unknown as Etcd3; // what a listing needs of it
    for (let attempts = 1; ; attempts++) {
      try {
        return await call(etcd);
      } catch (error) {
        if (attempts === ATTEMPTS_MAX) throw error;
      }
    }
  };

  async #range({ key, limit }: Range): Promise<unknown> {
    this.limits.push(limit);
    const { bytesPerMs, failsWith } = this.link;
    if (failsWith !== undefined) throw new Error(failsWith);
    const from = key.toString() === "p/" ? 0 : Number(/\d+/.exec(key.toString())?.[0]) + 1;
    const sizes = this.#sizes.slice(from, from + limit);
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    if (bytes > ANSWER_BYTES_MAX)
      throw new Error(`8 RESOURCE_EXHAUSTED: Received message larger than max (${bytes} vs ${ANSWER_BYTES_MAX})`);
    const tookMs = bytes / bytesPerMs;
    await this.#clock.advance(Math.min(tookMs, ATTEMPT_MS));
    if (tookMs > ATTEMPT_MS) throw new Error("4 DEADLINE_EXCEEDED: Deadline exceeded after 4.000s,LB pick: 0.001s");
    const kvs = sizes.map((_, index) => ({
      key: Buffer.from(`p/${String(from + index).padStart(5, "0")}`),
      value: Buffer.from("1"),
      version: "1",
      create_revision: "1",
      mod_revision: "1",
    }));
    return { header: { revision: "7", cluster_id: "c" }, kvs, more: from + limit < this.#sizes.length };
  }
}

interface Range {
  readonly key: Buffer;
  readonly limit: number;
}

function setUp(
  sizes: readonly number[],
  link: Link,
): { readonly store: SlowStore; readonly list: () => Promise<number | undefined>; readonly clock: VirtualClock } {
  const clock = new VirtualClock();
  const lister = new Lister(clock);
  const store = new SlowStore(sizes, { clock, link });
  return { store, clock, list: async () => (await lister.list(["p/"], store.read))?.entries.length };
}

const large = (count: number): readonly number[] => Array.from({ length: count }, () => MIB / 4);
const GIGABIT = { bytesPerMs: 125_000 };

test("small entries come in pages of the largest size", async () => {
  const { store, list } = setUp(
    Array.from({ length: 1_200 }, () => 500),
    GIGABIT,
  );
  assert.equal(await list(), 1_200);
  assert.deepEqual(store.limits, [PAGE_ENTRIES_MAX, PAGE_ENTRIES_MAX, PAGE_ENTRIES_MAX]);
});

test("a page that does not come in time is asked for in smaller ones, and the next listing begins with those", async () => {
  const { store, clock, list } = setUp(large(60), { bytesPerMs: 1_000 });
  assert.equal(await list(), 60);
  store.limits.length = 0;
  const againAtMs = clock.now();
  assert.equal(await list(), 60);
  assert.ok(Math.max(...store.limits) < 16, store.limits.join(" "));
  assert.ok(clock.now() - againAtMs < 20_000, "as long as the bytes take");
});

test("a page that is larger than one answer may be is asked for in smaller ones", async () => {
  const { store, list } = setUp(large(500), GIGABIT);
  assert.equal(await list(), 500);
  assert.deepEqual(store.limits.slice(0, 2), [PAGE_ENTRIES_MAX, PAGE_ENTRIES_MAX / 4]);
});

test("one entry at a time is the least", async () => {
  const { store, list } = setUp(large(3), { bytesPerMs: 70 });
  assert.equal(await list(), 3);
  assert.equal(Math.min(...store.limits), 1);
});

test("pages grow again when they come quickly", async () => {
  const { store, list } = setUp(
    Array.from({ length: 3_000 }, () => 500),
    { ...GIGABIT, failsWith: "4 DEADLINE_EXCEEDED: Deadline exceeded after 4.000s" },
  );
  await assert.rejects(list());
  assert.equal(store.limits.at(-1), 1);
  store.limits.length = 0;
  store.link = GIGABIT;
  assert.equal(await list(), 3_000);
  assert.equal(store.limits.at(-1), PAGE_ENTRIES_MAX);
});

test("a host that cannot be reached says nothing of the size of a page", async () => {
  const { store, list } = setUp([500], { ...GIGABIT, failsWith: "14 UNAVAILABLE: No connection established" });
  await assert.rejects(list());
  assert.deepEqual([...new Set(store.limits)], [PAGE_ENTRIES_MAX]);
});
