// The fake store as one node has it: the Store port over FakeEtcd, with late answers, lost answers and broken watches. Every wait is
// on the node's clock and every chance from its random, so that one seed gives one run.
import { LeaseKeeper, type Grant, type LeaseCalls } from "../../src/adapters/etcd3/lease-keeper.ts";
import { OutcomeUnknown, StoreUnavailable, WatchExpired } from "../../src/api/errors.ts";
import type {
  Clock,
  CommitResult,
  Entry,
  Lease,
  Listing,
  Log,
  Random,
  Store,
  StoreStatus,
  Transaction,
  WatchBatch,
} from "../../src/ports.ts";
import { sleepOn } from "./clock.ts";
import type { FakeEtcd } from "./store.ts";

/** What may go wrong between this node and the store; all are 0 at first, and a call then takes no time. */
export interface StoreFaults {
  /** A request and its answer take up to this each. */
  latencyMs: number;
  /** Chance that a call fails before it took effect. */
  failBefore: number;
  /** Chance that a call takes effect and its answer is lost. */
  failAfter: number;
  /** Events come up to this late, in order. */
  eventDelayMs: number;
  /** Chance at each event that the watch's connection breaks, for up to WATCH_BROKEN_MAX_MS, before it is seen. */
  breakWatch: number;
}

/** As the real adapter: how long a call waits for an answer, how often an idle watch shows that it is alive. */
const CALL_LIMIT_MS = 5_000;
const PROGRESS_EVERY_MS = 5_000;
const WATCH_BROKEN_MAX_MS = 10_000;

const silent: Log = { debug() {}, info() {}, warn() {}, error() {} };

export class FakeStore implements Store {
  readonly faults: StoreFaults = { latencyMs: 0, failBefore: 0, failAfter: 0, eventDelayMs: 0, breakWatch: 0 };
  readonly #etcd: FakeEtcd;
  readonly #node: string;
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #closing = new AbortController();
  readonly #leases: LeaseKeeper[] = [];
  /** Of the last listing: a watch goes on from it and from no other cluster's. */
  #clusterId: string | undefined;

  constructor(etcd: FakeEtcd, { node, clock, random }: { readonly node: string; readonly clock: Clock; readonly random: Random }) {
    this.#etcd = etcd;
    this.#node = node;
    this.#clock = clock;
    this.#random = random;
  }

  async list(prefix: string | readonly string[], signal: AbortSignal): Promise<Listing> {
    const prefixes = [prefix].flat();
    const listing = await this.#read(
      () => ({
        entries: prefixes.flatMap((each) => this.#etcd.below(each)),
        revision: this.#etcd.revision,
        clusterId: this.#etcd.clusterId,
      }),
      signal,
    );
    this.#clusterId = listing.clusterId;
    return listing;
  }

  get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    return this.#read(() => this.#etcd.get(key), signal);
  }

  commit(transaction: Transaction, signal: AbortSignal): Promise<CommitResult> {
    return this.#write(() => this.#etcd.commit(transaction), signal);
  }

  /** How full it says that it is. */
  space = { dbBytes: 0, dbInUseBytes: 0, dbMaxBytes: 536_870_912, isFull: false };

  /** A member answers it without quorum too. */
  async status(callerSignal: AbortSignal): Promise<StoreStatus> {
    const signal = this.#closable(callerSignal);
    signal.throwIfAborted();
    await this.#sleepUpTo(this.faults.latencyMs, signal);
    if (!this.#etcd.connects(this.#node)) {
      await sleepOn(this.#clock, CALL_LIMIT_MS, signal);
      throw new StoreUnavailable("no answer in time");
    }
    const { revision, clusterId, running } = this.#etcd;
    return { clusterId, memberId: "m1", leader: running, quorum: running, version: "fake", ...this.space, revision };
  }

  lease(ttlMs: number): Lease {
    const keeper = new LeaseKeeper(ttlMs, this.#leaseCalls(), { clock: this.#clock, log: silent });
    this.#leases.push(keeper);
    return keeper;
  }

  async close(): Promise<void> {
    this.#closing.abort(new StoreUnavailable("the store was closed"));
    await Promise.all(this.#leases.map((keeper) => keeper.abandon()));
  }

  async *watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    const either = this.#closable(signal);
    const clusterId = this.#clusterId ?? this.#etcd.clusterId;
    for (let next = fromRevision; ;) {
      const changed = await this.#changeOrProgress(next, either);
      if (changed) await this.#delay(either);
      if (!this.#etcd.reaches(this.#node)) continue;
      this.#checkResumable(clusterId, next);
      const { revision } = this.#etcd;
      const events = this.#etcd.since(prefix, next);
      next = revision + 1;
      yield { revision, events };
    }
  }

  #checkResumable(clusterId: string, next: number): void {
    const etcd = this.#etcd;
    if (etcd.clusterId !== clusterId) throw new WatchExpired(`Cannot watch on: the store is cluster ${etcd.clusterId}, not ${clusterId}`);
    if (etcd.revision < next - 1) throw new WatchExpired(`Cannot watch from revision ${next}: the store has gone back to ${etcd.revision}`);
    if (next <= etcd.compactRevision) throw new WatchExpired(`Cannot watch from revision ${next}: compacted to ${etcd.compactRevision}`);
  }

  /** True once there may be news, false when it is time to say that nothing happened. */
  async #changeOrProgress(next: number, signal: AbortSignal): Promise<boolean> {
    signal.throwIfAborted();
    if (this.#etcd.reaches(this.#node) && this.#etcd.revision >= next) return true;
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    const onAbort = (): void => reject(signal.reason);
    const cancel = this.#clock.timer(PROGRESS_EVERY_MS, () => resolve(false));
    const ignore = this.#etcd.onChange(() => resolve(true));
    signal.addEventListener("abort", onAbort, { once: true });
    return promise.finally(() => {
      cancel();
      ignore();
      signal.removeEventListener("abort", onAbort);
    });
  }

  async #delay(signal: AbortSignal): Promise<void> {
    const broken = this.#random.next() < this.faults.breakWatch ? WATCH_BROKEN_MAX_MS : 0;
    await this.#sleepUpTo(this.faults.eventDelayMs + broken, signal);
  }

  #leaseCalls(): LeaseCalls {
    const etcd = this.#etcd;
    const known = ({ id, clusterId }: Grant): boolean => etcd.clusterId === clusterId && etcd.leased(id) !== undefined;
    return {
      grant: (ttlMs, signal) => this.#write(() => ({ id: etcd.grant(ttlMs), clusterId: etcd.clusterId }), signal),
      keepAlive: (lease, signal) => this.#write(() => known(lease) && etcd.renew(lease.id), signal),
      put: (lease, key, value, signal) =>
        this.#write(
          () => (known(lease) ? etcd.commit({ compare: [], writes: [{ put: key, value }] }, lease.id).revision : undefined),
          signal,
        ),
      delete: async (lease, key, signal) => {
        await this.#write(() => etcd.leased(lease.id)?.has(key) && etcd.commit({ compare: [], writes: [{ delete: key }] }), signal);
      },
      revoke: (lease, signal) => this.#write(() => etcd.revoke(lease.id), signal),
      close: () => {},
    };
  }

  #read<T>(effect: () => T, signal: AbortSignal): Promise<T> {
    return this.#call(effect, () => new StoreUnavailable("no answer in time"), signal);
  }

  #write<T>(effect: () => T, signal: AbortSignal): Promise<T> {
    return this.#call(effect, () => new OutcomeUnknown("no answer in time"), signal);
  }

  async #call<T>(effect: () => T, unanswered: () => Error, callerSignal: AbortSignal): Promise<T> {
    const { faults } = this;
    const signal = this.#closable(callerSignal);
    signal.throwIfAborted();
    await this.#sleepUpTo(faults.latencyMs, signal);
    const reached = this.#etcd.reaches(this.#node);
    if (!reached) await sleepOn(this.#clock, CALL_LIMIT_MS, signal);
    if (!reached || this.#random.next() < faults.failBefore) {
      // Whoever lost the request cannot always tell: only a connection that was refused is a proof.
      throw this.#random.next() < 0.5 ? unanswered() : new StoreUnavailable("connection refused");
    }
    const result = effect();
    await this.#sleepUpTo(faults.latencyMs, signal);
    if (!this.#etcd.reaches(this.#node) || this.#random.next() < faults.failAfter) throw unanswered();
    return result;
  }

  async #sleepUpTo(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0) await sleepOn(this.#clock, this.#random.next() * ms, signal);
  }

  #closable(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }
}
