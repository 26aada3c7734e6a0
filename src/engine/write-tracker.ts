// The store as one run of the engine has it: remembers how far the store had come when this run wrote, so that the next look waits
// until the mirror has seen it. Without that a plan would repeat a write that it cannot see yet.
import type { CommitResult, Entry, Lease, Listing, Store, StoreStatus, Transaction, WatchBatch } from "../ports.ts";

export class WriteTracker implements Store {
  readonly #store: Store;
  #revision = 0;

  constructor(store: Store) {
    this.#store = store;
  }

  /** Of the newest answer to a commit, won or lost; 0 before the first. */
  get revision(): number {
    return this.#revision;
  }

  async commit(transaction: Transaction, signal: AbortSignal): Promise<CommitResult> {
    const result = await this.#store.commit(transaction, signal);
    this.#revision = Math.max(this.#revision, result.revision);
    return result;
  }

  list(prefix: string | readonly string[], signal: AbortSignal): Promise<Listing> {
    return this.#store.list(prefix, signal);
  }

  get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    return this.#store.get(key, signal);
  }

  watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncIterable<WatchBatch> {
    return this.#store.watch(prefix, fromRevision, signal);
  }

  lease(ttlMs: number): Lease {
    return this.#store.lease(ttlMs);
  }

  status(signal: AbortSignal): Promise<StoreStatus> {
    return this.#store.status(signal);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}
