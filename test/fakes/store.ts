// etcd as the simulator needs it: one store in memory on virtual time, with many clients, and everything that can befall it. What a
// client sees is in store-client.ts; test/contracts/store.ts holds both to what the real one does.
import assert from "node:assert/strict";
import type { BootMs, Clock, CommitResult, Entry, Random, StoreEvent, Transaction } from "../../src/ports.ts";
import { FakeStore } from "./store-client.ts";

/** etcd's --max-txn-ops as Fossora sets it. */
const TXN_OPS_MAX = 2048;
/** How often leases that cannot run out are looked at while the store is stopped. */
const STOPPED_RECHECK_MS = 100;

interface Lease {
  readonly ttlMs: number;
  expiresAtMs: BootMs;
  readonly keys: Set<string>;
}

export interface Snapshot {
  readonly revision: number;
  readonly entries: ReadonlyMap<string, Entry>;
}

export class FakeEtcd {
  readonly #clock: Clock;
  #clusterId = "c1";
  #clusters = 1;
  #revision = 1;
  /** Watching is possible from the next revision on. */
  #compactRevision = 0;
  #entries = new Map<string, Entry>();
  /** Events of each revision after #compactRevision, in order. */
  #history: (readonly StoreEvent[])[] = [[]];
  readonly #leases = new Map<string, Lease>();
  #leasesGranted = 0;
  #running = true;
  readonly #isolated = new Set<string>();
  readonly #listeners = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** A store as one node has it: on that node's clock, with faults of its own. */
  client(node: string, { clock, random }: { readonly clock: Clock; readonly random: Random }): FakeStore {
    return new FakeStore(this, { node, clock, random });
  }

  get revision(): number {
    return this.#revision;
  }

  get clusterId(): string {
    return this.#clusterId;
  }

  get compactRevision(): number {
    return this.#compactRevision;
  }

  /** False: no quorum, or all members are down. */
  get running(): boolean {
    return this.#running;
  }

  // ---------------------------------------------------------------- faults

  /** Takes the quorum away: nothing is read or written, and no lease runs out. */
  stop(): void {
    this.#running = false;
    this.#notify();
  }

  /** Leases start anew, as after an election. */
  start(): void {
    this.#running = true;
    for (const id of this.#leases.keys()) this.renew(id);
    this.#notify();
  }

  isolate(node: string): void {
    this.#isolated.add(node);
    this.#notify();
  }

  rejoin(node: string): void {
    this.#isolated.delete(node);
    this.#notify();
  }

  /** False: this node cannot even ask. */
  connects(node: string): boolean {
    return !this.#isolated.has(node);
  }

  /** True: this node's reads and writes are answered. */
  reaches(node: string): boolean {
    return this.#running && this.connects(node);
  }

  /** Forgets how the store came to `revision`. */
  compact(revision: number = this.#revision): void {
    assert(revision > this.#compactRevision && revision <= this.#revision, `cannot compact to ${revision}`);
    this.#history = this.#history.slice(revision - this.#compactRevision);
    this.#compactRevision = revision;
    this.#notify();
  }

  snapshot(): Snapshot {
    return { revision: this.#revision, entries: new Map(this.#entries) };
  }

  /** The store as it was, in a new cluster unless told otherwise. Leases and history are gone. */
  restore(snapshot: Snapshot, clusterId = `c${++this.#clusters}`): void {
    this.#clusterId = clusterId;
    this.#revision = snapshot.revision;
    this.#compactRevision = snapshot.revision;
    this.#entries = new Map(snapshot.entries);
    this.#history = [];
    this.#leases.clear();
    this.#notify();
  }

  // ---------------------------------------------------------------- what a member does

  get(key: string): Entry | undefined {
    return this.#entries.get(key);
  }

  below(prefix: string): readonly Entry[] {
    const entries = [...this.#entries.values()].filter(({ key }) => key.startsWith(prefix));
    return entries.toSorted((a, b) => (a.key < b.key ? -1 : 1));
  }

  /** Events below the prefix from a revision on, which must not be compacted. */
  since(prefix: string, fromRevision: number): readonly StoreEvent[] {
    const events = this.#history.slice(Math.max(0, fromRevision - this.#compactRevision - 1)).flat();
    return events.filter((event) => (event.type === "put" ? event.entry.key : event.key).startsWith(prefix));
  }

  commit({ compare, writes, ttlMs }: Transaction, leaseId = ttlMs === undefined ? undefined : this.grant(ttlMs)): CommitResult {
    const keys = writes.map((write) => ("put" in write ? write.put : write.delete));
    assert(new Set(keys).size === keys.length, "etcd refuses a key twice in one transaction");
    assert(Math.max(keys.length, compare.length) <= TXN_OPS_MAX, `etcd refuses more than ${TXN_OPS_MAX} operations`);
    const committed = compare.every(({ key, modRevision }) => (this.#entries.get(key)?.modRevision ?? 0) === modRevision);
    if (committed) this.#write(writes, leaseId);
    return { committed, revision: this.#revision };
  }

  #write(writes: Transaction["writes"], leaseId: string | undefined): void {
    const modRevision = this.#revision + 1;
    const events: StoreEvent[] = [];
    for (const write of writes) {
      const key = "put" in write ? write.put : write.delete;
      const before = this.#entries.get(key);
      for (const lease of this.#leases.values()) lease.keys.delete(key);
      if ("put" in write) {
        const entry = {
          key,
          value: write.value,
          version: (before?.version ?? 0) + 1,
          createRevision: before?.createRevision ?? modRevision,
          modRevision,
        };
        this.#entries.set(key, entry);
        if (leaseId !== undefined) this.#leases.get(leaseId)?.keys.add(key);
        events.push({ type: "put", entry });
      } else if (before) {
        this.#entries.delete(key);
        events.push({ type: "delete", key, modRevision });
      }
    }
    if (events.length === 0) return;
    this.#revision = modRevision;
    this.#history.push(events);
    this.#notify();
  }

  grant(ttlMs: number): string {
    const id = `l${++this.#leasesGranted}`;
    this.#leases.set(id, { ttlMs, expiresAtMs: this.#clock.now() + ttlMs, keys: new Set() });
    this.#expireLater(id);
    return id;
  }

  /** False: there is no such lease. */
  renew(id: string): boolean {
    const lease = this.#leases.get(id);
    if (lease) lease.expiresAtMs = this.#clock.now() + lease.ttlMs;
    return lease !== undefined;
  }

  leased(id: string): ReadonlySet<string> | undefined {
    return this.#leases.get(id)?.keys;
  }

  /** As it runs out, and as a fault: its keys go with it. */
  revoke(id: string): void {
    const lease = this.#leases.get(id);
    this.#leases.delete(id);
    if (lease && lease.keys.size > 0)
      this.#write(
        [...lease.keys].map((key) => ({ delete: key })),
        undefined,
      );
  }

  leaseIds(): readonly string[] {
    return [...this.#leases.keys()];
  }

  /** Calls `listener` after every change of state or of who reaches whom; the returned function ends that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  #expireLater(id: string): void {
    const lease = this.#leases.get(id);
    if (!lease) return;
    this.#clock.timer(Math.max(this.#running ? 1 : STOPPED_RECHECK_MS, lease.expiresAtMs - this.#clock.now()), () => {
      if (this.#running && this.#clock.now() >= lease.expiresAtMs && this.#leases.get(id) === lease) this.revoke(id);
      else this.#expireLater(id);
    });
  }
}
