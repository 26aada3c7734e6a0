// What the store's contract needs of whoever runs it, and what its cases share.
import assert from "node:assert/strict";
import { test } from "node:test";
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
  /** Why no snapshot can be restored here; absent where it can. */
  readonly cannotRestore?: string;
  /** Answers what puts the store back to this moment, in a cluster of another id. */
  snapshot(): Promise<() => Promise<void>>;
  /** Puts an empty store of another cluster in its place. */
  replaceByEmpty(): Promise<void>;
  /** Lets time pass until the work is done; fails after a deadline. */
  settled<T>(work: Promise<T>): Promise<T>;
  /** Lets time pass until it holds; fails after a deadline. */
  until(holds: () => boolean, what: string): Promise<void>;
}

/** Of calls that nobody ends early. */
export const signal = new AbortController().signal;

let cases = 0;

/** Cases do not meet: each has a prefix of its own. */
function ownPrefix(): string {
  cases += 1;
  return `/fossora/case-${cases}/`;
}

/** One case: its store is closed and the network healed whatever happens. */
export function storeTest(
  name: string,
  bench: () => StoreBench,
  run: (bench: StoreBench, store: Store, prefix: string) => Promise<void>,
  skipped: (bench: StoreBench) => string | undefined = () => undefined,
): void {
  test(name, async (context) => {
    const reason = skipped(bench());
    if (reason !== undefined) return context.skip(reason);
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
export async function putEach(bench: StoreBench, prefix: string, count: number): Promise<readonly string[]> {
  const keys = Array.from({ length: count }, (_, index) => `${prefix}${String(index).padStart(5, "0")}`);
  for (let from = 0; from < count; from += 250) {
    const puts = keys
      .slice(from, from + 250)
      .map((key) => bench.others.commit({ compare: [], writes: [{ put: key, value: `value of ${key}` }] }, signal));
    await bench.settled(Promise.all(puts));
  }
  return keys;
}

export async function put(bench: StoreBench, key: string, value: string): Promise<void> {
  await bench.settled(bench.others.commit({ compare: [], writes: [{ put: key, value }] }, signal));
}

export async function remove(bench: StoreBench, key: string): Promise<void> {
  await bench.settled(bench.others.commit({ compare: [], writes: [{ delete: key }] }, signal));
}

export async function valueOf(bench: StoreBench, key: string): Promise<string | undefined> {
  return (await bench.settled(bench.others.get(key, signal)))?.value;
}

/** Reads from what is there now. */
export async function readerOf(bench: StoreBench, store: Store, prefix: string): Promise<StoreReader> {
  const { revision } = await bench.settled(store.list(prefix, signal));
  return new StoreReader(store, prefix, revision + 1);
}

export function assertEachOnce(reader: StoreReader, keys: readonly string[]): void {
  const revisions = reader.events.map(({ modRevision }) => modRevision);
  assert.deepEqual(reader.events.map(({ key }) => key).toSorted(), keys.toSorted());
  assert.deepEqual(
    revisions,
    revisions.toSorted((a, b) => a - b),
    "events came out of order",
  );
}
