// What this node's controllers say while the store does not answer. They decide nothing then; what they observe themselves is shown in this
// node's mirror alone, and written once the store answers.
import { StoreUnavailable } from "../api/errors.ts";
import { parseKey } from "../api/keys.ts";
import type { NodeName } from "../api/resource.ts";
import type { CommitResult, Entry, Lease, Listing, Log, Store, StoreStatus, Transaction, WatchBatch, Write } from "../ports.ts";
import type { StoreMirror } from "./mirror.ts";

export interface OwnWordOptions {
  readonly node: NodeName;
  readonly store: Store;
  readonly mirror: StoreMirror;
  readonly log: Log;
}

/** The store as controllers and the API have it: nobody waits out a call whose answer is known. */
export class OwnWord implements Store {
  readonly #options: OwnWordOptions;
  #isWriting = false;

  constructor(options: OwnWordOptions) {
    this.#options = options;
  }

  /** What this node said in its house before, while nobody listened: the store of now is to hear it. */
  goOn(said: readonly Write[]): void {
    this.#options.mirror.hold(said.filter(isObserved), Infinity);
  }

  /** Until the signal: writes what was held back. */
  run(signal: AbortSignal): void {
    const unsubscribe = this.#options.mirror.subscribe(() => void this.#write(signal));
    signal.addEventListener("abort", unsubscribe, { once: true });
  }

  async commit(transaction: Transaction, signal: AbortSignal): Promise<CommitResult> {
    const { store, mirror, node } = this.#options;
    if (mirror.standing.kind !== "copy") return store.commit(transaction, signal);
    if (!isReport(transaction, node)) throw unanswered();
    mirror.hold(transaction.writes);
    return { committed: true, revision: mirror.revision };
  }

  async list(prefix: string | readonly string[], signal: AbortSignal): Promise<Listing> {
    return this.#answering().list(prefix, signal);
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    return this.#answering().get(key, signal);
  }

  watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    return this.#options.store.watch(prefix, fromRevision, signal);
  }

  lease(ttlMs: number): Lease {
    const lease = this.#options.store.lease(ttlMs);
    return {
      put: (key, value) => {
        lease.put(key, value);
        this.#saidUnderLease({ put: key, value });
      },
      delete: (key) => {
        lease.delete(key);
        this.#saidUnderLease({ delete: key });
      },
      renewedAtMs: () => lease.renewedAtMs(),
      losses: () => lease.losses(),
      writtenAt: (key) => lease.writtenAt(key),
      close: () => lease.close(),
    };
  }

  /** What is said while the store answers takes the place of what was held: it is seen once the store has it, which it may have all along. */
  #saidUnderLease(write: Write): void {
    const { mirror } = this.#options;
    if (mirror.standing.kind === "copy") return mirror.hold([write]);
    const outdated = mirror.held.filter((held) => keyOf(held) === keyOf(write));
    if (outdated.length > 0) mirror.release(outdated, mirror.revision);
  }

  async status(signal: AbortSignal): Promise<StoreStatus> {
    return this.#answering().status(signal);
  }

  close(): Promise<void> {
    return this.#options.store.close();
  }

  #answering(): Store {
    if (this.#options.mirror.standing.kind === "copy") throw unanswered();
    return this.#options.store;
  }

  async #write(signal: AbortSignal): Promise<void> {
    const { mirror, store, log } = this.#options;
    // What is under the lease its keeper writes.
    const writes = mirror.fresh ? mirror.held.filter(isObserved) : [];
    if (writes.length === 0 || this.#isWriting) return;
    this.#isWriting = true;
    try {
      const { revision } = await store.commit({ compare: [], writes }, signal);
      mirror.release(writes, revision);
    } catch (error) {
      if (!signal.aborted) log.debug("What was held back was not written", { error: String(error) });
    } finally {
      this.#isWriting = false;
    }
  }
}

function isReport({ compare, writes }: Transaction, node: NodeName): boolean {
  const isOwn = (write: Write): boolean => {
    const key = parseKey(keyOf(write));
    return key.room === "observed" && key.node === node;
  };
  return compare.length === 0 && writes.every(isOwn);
}

function isObserved(write: Write): boolean {
  return parseKey(keyOf(write)).room === "observed";
}

function keyOf(write: Write): string {
  return "put" in write ? write.put : write.delete;
}

function unanswered(): StoreUnavailable {
  return new StoreUnavailable("The house's store does not answer, and nothing is decided until it does");
}
