// The Store port on etcd. The package etcd3 is transport and types here: its own watcher and leases lose events and keys when a host
// hangs, and its policies refuse calls that would succeed, so list + watch, leases and retries are ours.
import type { Etcd3, IRangeResponse } from "etcd3";
import { StoreUnavailable } from "../../api/errors.ts";
import type { Clock, CommitResult, Entry, Lease, Listing, Log, Store, StoreStatus, Transaction, WatchBatch } from "../../ports.ts";
import { Calls } from "./calls.ts";
import type { Credentials } from "./connect.ts";
import { DB_MAX_BYTES } from "./flags.ts";
import { Hosts } from "./hosts.ts";
import { EtcdLeaseCalls } from "./lease-calls.ts";
import { hasNoRoom } from "./member.ts";
import { LeaseKeeper } from "./lease-keeper.ts";
import { Lister } from "./listing.ts";
import { watch } from "./watch.ts";
import { toEntry, toTxnRequest } from "./wire.ts";

export interface StoreOptions {
  /** `address:port` of the voters, the local one first. */
  readonly hosts: readonly string[];
  /** A house's etcd serves nobody without a client certificate. */
  readonly credentials: Credentials;
  readonly clock: Clock;
  readonly log: Log;
  /** Of one attempt at a call; whoever only fills a store has more time than a house. */
  readonly attemptMs?: number;
}

export interface EtcdStore extends Store {
  /** When the voters change: calls and streams leave the others' hosts at once. */
  setHosts(hosts: readonly string[]): void;
}

/** A listing begins anew when its revision was compacted or another cluster answered in the middle of it. */
const LISTINGS_MAX = 5;

export function openStore(options: StoreOptions): EtcdStore {
  return new OpenStore(options);
}

class OpenStore implements EtcdStore {
  readonly #credentials: Credentials;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #hosts: Hosts;
  readonly #calls: Calls;
  readonly #lister: Lister;
  readonly #closing = new AbortController();
  readonly #leases = new Set<LeaseKeeper>();
  /** Of the last listing: a watch goes on from it, and from no other cluster's. */
  #clusterId: string | undefined;

  constructor({ hosts, credentials, clock, log, attemptMs }: StoreOptions) {
    this.#credentials = credentials;
    this.#clock = clock;
    this.#log = log;
    this.#hosts = new Hosts(hosts, { clock, log });
    this.#calls = new Calls(this.#hosts, { clock, credentials, attemptMs });
    this.#lister = new Lister(clock);
  }

  setHosts(hosts: readonly string[]): void {
    this.#hosts.set(hosts);
    this.#calls.keepOnly(hosts);
  }

  async list(prefix: string | readonly string[], signal: AbortSignal): Promise<Listing> {
    const prefixes = [prefix].flat();
    for (let listings = 0; listings < LISTINGS_MAX; listings++) {
      const listing = await this.#lister.list(prefixes, (call) => this.#read(call, signal));
      if (!listing) continue;
      this.#clusterId = listing.clusterId;
      return listing;
    }
    throw new StoreUnavailable(
      `Cannot list ${prefixes.join(", ")}: it changed cluster or was compacted ${LISTINGS_MAX} times while it was read`,
    );
  }

  async get(key: string, signal: AbortSignal): Promise<Entry | undefined> {
    const { kvs } = await this.#read((etcd) => etcd.kv.range({ key: Buffer.from(key) }), signal);
    return kvs[0] && toEntry(kvs[0]);
  }

  async *watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncGenerator<WatchBatch> {
    const either = this.#closable(signal);
    const clusterId = this.#clusterId ?? (await this.#header(either)).cluster_id;
    const currentRevision = async (): Promise<number> => Number((await this.#header(either)).revision);
    yield* watch({
      hosts: this.#hosts,
      credentials: this.#credentials,
      clock: this.#clock,
      log: this.#log,
      prefix,
      fromRevision,
      clusterId,
      currentRevision,
      signal: either,
    });
  }

  async commit(transaction: Transaction, signal: AbortSignal): Promise<CommitResult> {
    const limits = { signal: this.#closable(signal) };
    const { ttlMs } = transaction;
    const lease = ttlMs === undefined ? undefined : await this.#calls.write((etcd) => etcd.leaseClient.leaseGrant(grantOf(ttlMs)), limits);
    const request = toTxnRequest(transaction, lease?.ID);
    const { succeeded, header } = await this.#calls.write((etcd) => etcd.kv.txn(request), limits);
    return { committed: succeeded, revision: Number(header.revision) }; // a lease without a key runs out
  }

  lease(ttlMs: number): Lease {
    const calls = new EtcdLeaseCalls({ ttlMs, hosts: this.#hosts, calls: this.#calls, credentials: this.#credentials, clock: this.#clock });
    const keeper = new LeaseKeeper(ttlMs, calls, { clock: this.#clock, log: this.#log });
    this.#leases.add(keeper);
    return keeper;
  }

  async status(signal: AbortSignal): Promise<StoreStatus> {
    const { header, leader, version, dbSize, dbSizeInUse, errors } = await this.#read((etcd) => etcd.maintenance.status(), signal);
    return {
      clusterId: header.cluster_id,
      memberId: header.member_id,
      leader: leader === header.member_id,
      quorum: leader !== "0",
      version,
      dbBytes: Number(dbSize),
      dbInUseBytes: Number(dbSizeInUse),
      dbMaxBytes: DB_MAX_BYTES,
      isFull: hasNoRoom(errors),
      revision: Number(header.revision),
    };
  }

  /** Leases are left to run out: the process may soon be back. */
  async close(): Promise<void> {
    this.#closing.abort(new StoreUnavailable("The store was closed"));
    await Promise.all([...this.#leases].map((keeper) => keeper.abandon()));
    this.#calls.keepOnly([]);
  }

  /** A linearizable read: the revision is a quorum's. */
  async #header(signal: AbortSignal): Promise<IRangeResponse["header"]> {
    const { header } = await this.#read((etcd) => etcd.kv.range({ key: Buffer.from("\0"), count_only: true }), signal);
    return header;
  }

  #read<T>(call: (etcd: Etcd3) => Promise<T>, signal: AbortSignal): Promise<T> {
    return this.#calls.read(call, { signal: this.#closable(signal) });
  }

  #closable(signal: AbortSignal): AbortSignal {
    return AbortSignal.any([signal, this.#closing.signal]);
  }
}

function grantOf(ttlMs: number): { readonly TTL: number } {
  return { TTL: Math.ceil(ttlMs / 1000) };
}
