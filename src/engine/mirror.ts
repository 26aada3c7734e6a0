// This node's copy of the store: one list, then one watch over everything, so that all rooms are seen at one revision. What it
// holds outlives every failure of the store; `standing` says what plans may be made from it.
import type { Kind, Name, NodeName, Resource } from "../api/resource.ts";
import { parseKey, ROOT, keys, type ParsedKey } from "../api/keys.ts";
import type { DecidedMembership, NodeRecord } from "../api/state.ts";
import type { BootMs, Clock, Entry, Listing, Log, Store, WatchBatch, Write } from "../ports.ts";
import type { Change, HouseCopy, Index, Mirror, Seen, Standing } from "./contract.ts";
import { isBeside, isHouse, keyOf, LISTED, madeEntry, revisionOf, toResource, type Row } from "./entries.ts";
import { NameIndex } from "./name-index.ts";
import { Objects } from "./objects.ts";

/** A living watch speaks at least every 12 s (etcd is asked for progress every 5 s). */
export const STALE_AFTER_MS = 12_000;
export const LIST_RETRY_MS = 1_000;
/** So long the store must have been silent before its copy is gone on from: an election, or all computers starting at once. */
export const COPY_AFTER_MS = 15_000;
/** How often those who wait are told that the copy still stands. */
const COPY_TICK_MS = 1_000;

/**
 * Hears each batch once it is applied, also one without changes: the store is alive, or its copy is gone on from. `besides`: keys that
 * were written or deleted, or were met in a new listing, and that the copy does not hold.
 */
export type Listener = (changes: readonly Change[], besides: readonly string[]) => void;

type Rows<T> = Map<Kind, Map<Name, T>>;
type MirroredKey = Exclude<ParsedKey, { readonly room: "other" }>;

export class StoreMirror implements Mirror {
  readonly #store: Store;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #listeners = new Set<Listener>();

  #clusterId: string | undefined;
  #revision = 0;
  /** Undefined while no full list is in force. */
  #heardAtMs: BootMs | undefined;
  /** When the store last answered; at first, when it was first asked. */
  #answeredAtMs: BootMs;
  #isFromDisk = false;

  /** Every key that is mirrored, as the store has it: what a new listing is compared with. */
  readonly #known = new Map<string, Entry>();
  /** Keys of which this node knows better than the store, which does not answer; and how far that was known then. */
  readonly #held = new Map<string, { readonly write: Write; readonly over: number }>();
  /** Keys whose value is no JSON: their names must not be planned, for absent would mean deleted. */
  readonly #unreadable = new Set<string>();
  readonly #objects = new Objects();
  readonly #decided: Rows<Seen<unknown>> = new Map();
  readonly #observed: Rows<Map<NodeName, Seen<unknown>>> = new Map();
  readonly #nodes = new Map<NodeName, Seen<NodeRecord>>();
  readonly #goneAtMs = new Map<NodeName, BootMs>();
  /** When the first list came. */
  #beganAtMs: BootMs | undefined;
  /** The boot id that a node last announced: it stays when the node's lease is lost. */
  readonly #announced = new Map<NodeName, { readonly bootId: string; readonly modRevision: number }>();
  readonly #indexes = new Map<Index, NameIndex>();

  /** `copy`: what the store held when it last answered, from the disk. */
  constructor(options: { readonly store: Store; readonly clock: Clock; readonly log: Log; readonly copy?: HouseCopy }) {
    this.#store = options.store;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#answeredAtMs = options.clock.now();
    if (options.copy !== undefined) this.#restore(options.copy);
  }

  get fresh(): boolean {
    return this.#heardAtMs !== undefined && this.#clock.now() - this.#heardAtMs <= STALE_AFTER_MS;
  }

  get standing(): Standing {
    if (this.fresh) return { kind: "fresh" };
    const isSilent = this.#clock.now() - this.#answeredAtMs > COPY_AFTER_MS;
    return this.#revision > 0 && isSilent ? { kind: "copy", isFromDisk: this.#isFromDisk } : { kind: "none" };
  }

  get revision(): number {
    return this.#revision;
  }

  /** When the store last answered; undefined: not since this process started. */
  get answeredAtMs(): BootMs | undefined {
    return this.#isFromDisk || this.#revision === 0 ? undefined : this.#answeredAtMs;
  }

  /** All that the store was last known to hold of what is mirrored; undefined before the first list. */
  copy(): HouseCopy | undefined {
    if (this.#clusterId === undefined) return undefined;
    return { clusterId: this.#clusterId, revision: this.#revision, entries: [...this.#known.values()] };
  }

  /** Shows this node's own keys as they would be if the store answered: until `release`, or until the store has something newer than `over`. */
  hold(writes: readonly Write[], over = this.#revision): void {
    const changes: Change[] = [];
    for (const write of writes) {
      const key = "put" in write ? write.put : write.delete;
      this.#held.set(key, { write, over });
      this.#show(key, "put" in write ? madeEntry(write.put, write.value, this.#revision + 1) : undefined, changes);
    }
    for (const listener of this.#listeners) listener(changes, []);
  }

  /** What is held, to be written when the store answers. */
  get held(): readonly Write[] {
    return [...this.#held.values()].map(({ write }) => write);
  }

  /** It was written, at that revision. */
  release(writes: readonly Write[], revision: number): void {
    const changes: Change[] = [];
    for (const write of writes) {
      const key = "put" in write ? write.put : write.delete;
      if (this.#held.get(key)?.write !== write) continue; // said anew, or seen already
      this.#held.delete(key);
      const known = this.#known.get(key);
      const isNewer = (known?.modRevision ?? 0) >= revision || this.#revision >= revision;
      const entry = isNewer ? known : "put" in write ? madeEntry(key, write.value, revision) : undefined;
      if (entry === undefined) this.#known.delete(key);
      else this.#known.set(key, entry);
      this.#show(key, entry, changes);
    }
    for (const listener of this.#listeners) listener(changes, []);
  }

  /** Throws when the stored value cannot be read. */
  desired<K extends Kind>(kind: K, name: Name): Resource<K> | undefined {
    if (this.#unreadable.size > 0) this.#assertReadable(keys.desired(kind, name));
    return this.#objects.get(kind, name);
  }

  all<K extends Kind>(kind: K): Iterable<Resource<K>> {
    return this.#objects.all(kind).values();
  }

  /** Throws when the stored value cannot be read. */
  decided<T>(kind: Kind, name: Name): Seen<T> | undefined {
    if (this.#unreadable.size > 0) this.#assertReadable(keys.decided(kind, name));
    return this.#decided.get(kind)?.get(name) as Seen<T> | undefined; // the caller names its kind's own type
  }

  allDecided<T>(kind: Kind): Iterable<readonly [Name, Seen<T>]> {
    const rows = this.#decided.get(kind) ?? new Map<Name, Seen<unknown>>();
    return rows as ReadonlyMap<Name, Seen<T>>; // the caller names its kind's own type
  }

  observed<T>(kind: Kind, name: Name): ReadonlyMap<NodeName, Seen<T>> {
    const counted = new Map<NodeName, Seen<T>>();
    for (const [node, seen] of this.#observed.get(kind)?.get(name) ?? []) {
      if (this.#counts(node, seen.value)) counted.set(node, seen as Seen<T>); // the caller names its kind's own type
    }
    return counted;
  }

  written<T>(kind: Kind, name: Name, node: NodeName): Seen<T> | undefined {
    return this.#observed.get(kind)?.get(name)?.get(node) as Seen<T> | undefined; // the caller names its kind's own type
  }

  *writtenBy(kind: Kind, node: NodeName): Iterable<Name> {
    for (const [name, byNode] of this.#observed.get(kind) ?? []) if (byNode.has(node)) yield name;
  }

  stored(kind: Kind, name: Name, node: NodeName): unknown {
    const entry = this.#known.get(keys.observed(kind, name, node));
    return entry && this.#parse(entry);
  }

  nodes(): ReadonlyMap<NodeName, Seen<NodeRecord>> {
    return this.#nodes;
  }

  recordGoneAtMs(node: NodeName): BootMs | undefined {
    return this.#nodes.has(node) ? undefined : (this.#goneAtMs.get(node) ?? this.#beganAtMs);
  }

  index(by: Index): ReadonlyMap<string, ReadonlySet<Name>> {
    const index = this.#indexes.get(by) ?? this.#build(by);
    return index.names;
  }

  /** Answers the function that ends it. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Lists and watches until the signal; an unreachable store is tried again for ever. */
  async run(signal: AbortSignal): Promise<void> {
    const cancel = this.#tellOfCopy(signal);
    try {
      while (!signal.aborted) {
        await this.#listAndWatch(signal).catch((error: unknown) => {
          if (!signal.aborted) this.#log.warn("Mirror lost the store", { error });
        });
        this.#heardAtMs = undefined;
        await this.#clock.sleep(LIST_RETRY_MS, signal).catch(() => undefined);
      }
    } finally {
      cancel();
    }
  }

  /** Nobody else says so: silence makes no event. */
  #tellOfCopy(signal: AbortSignal): () => void {
    let cancel = (): void => {};
    const look = (): void => {
      const isCopy = this.standing.kind === "copy";
      if (isCopy) for (const listener of this.#listeners) listener([], []);
      const silentMs = this.#clock.now() - this.#answeredAtMs;
      if (!signal.aborted) cancel = this.#clock.timer(Math.max(COPY_AFTER_MS + 1 - silentMs, COPY_TICK_MS), look);
    };
    look();
    return () => cancel();
  }

  #restore({ clusterId, revision, entries }: HouseCopy): void {
    this.#clusterId = clusterId;
    this.#revision = revision;
    this.#isFromDisk = true;
    for (const entry of entries) this.#put(entry, []);
  }

  async #listAndWatch(signal: AbortSignal): Promise<void> {
    const listing = await this.#store.list(LISTED, signal);
    if (!isHouse(listing)) {
      this.#answeredAtMs = this.#clock.now();
      this.#log.error("Store holds no house, nothing is planned", { clusterId: listing.clusterId, revision: listing.revision });
      return;
    }
    this.#beganAtMs ??= this.#clock.now();
    const besides = listing.entries.map(({ key }) => key).filter(isBeside);
    this.#tell(listing.revision, this.#compare(listing), besides);
    for await (const batch of this.#store.watch(ROOT, listing.revision + 1, signal))
      this.#tell(batch.revision, this.#apply(batch), batch.events.map(keyOf).filter(isBeside));
  }

  #tell(revision: number, changes: readonly Change[], besides: readonly string[]): void {
    this.#revision = revision;
    this.#heardAtMs = this.#clock.now();
    this.#answeredAtMs = this.#heardAtMs;
    this.#isFromDisk = false;
    for (const listener of this.#listeners) listener(changes, besides);
  }

  /** Takes a listing over: what it lacks was deleted while nobody watched. */
  #compare(listing: Listing): readonly Change[] {
    const changes: Change[] = [];
    // Revisions of another cluster, or of an older snapshot, say nothing about what is known.
    const comparable = listing.clusterId === this.#clusterId && listing.revision >= this.#revision;
    if (!comparable) {
      this.#announced.clear();
      for (const [key, { write, over }] of this.#held) this.#held.set(key, { write, over: over === Infinity ? over : 0 });
    }
    const listed = new Set<string>();
    for (const entry of listing.entries) {
      listed.add(entry.key);
      if (!comparable || this.#known.get(entry.key)?.modRevision !== entry.modRevision) this.#put(entry, changes);
    }
    for (const key of [...this.#known.keys()]) if (!listed.has(key)) this.#delete(key, changes);
    this.#clusterId = listing.clusterId;
    return changes;
  }

  #apply(batch: WatchBatch): readonly Change[] {
    const changes: Change[] = [];
    for (const event of batch.events) {
      // Heard twice: an older value must not come back.
      if (revisionOf(event) <= this.#revision) continue;
      if (event.type === "put") this.#put(event.entry, changes);
      else this.#delete(event.key, changes);
    }
    return changes;
  }

  #put(entry: Entry, changes: Change[]): void {
    if (parseKey(entry.key).room === "other") return;
    this.#known.set(entry.key, entry);
    // Nobody else writes what is held: what is newer is this node's own word.
    if (entry.modRevision > (this.#held.get(entry.key)?.over ?? Infinity)) this.#held.delete(entry.key);
    if (!this.#held.has(entry.key)) this.#show(entry.key, entry, changes);
  }

  #delete(key: string, changes: Change[]): void {
    this.#known.delete(key);
    if (!this.#held.has(key)) this.#show(key, undefined, changes);
  }

  #show(storeKey: string, entry: Entry | undefined, changes: Change[]): void {
    const key = parseKey(storeKey);
    if (key.room === "other") return;
    if (entry === undefined) {
      this.#unreadable.delete(storeKey);
      return this.#set(key, undefined, changes);
    }
    const value = this.#parse(entry);
    if (value !== undefined) this.#set(key, { value, entry }, changes);
  }

  #parse(entry: Entry): unknown {
    try {
      this.#unreadable.delete(entry.key);
      return JSON.parse(entry.value);
    } catch (error) {
      this.#unreadable.add(entry.key);
      this.#log.error("Stored value is no JSON", { key: entry.key, error });
      return undefined;
    }
  }

  #assertReadable(key: string): void {
    if (this.#unreadable.has(key)) throw new Error(`Cannot read ${key}: its value is no JSON. Apply or delete the object again.`);
  }

  #set(key: MirroredKey, row: Row | undefined, changes: Change[]): void {
    const seen = row && { value: row.value, modRevision: row.entry.modRevision, seenAtMs: this.#clock.now() };
    switch (key.room) {
      case "desired":
        for (const { kind, name, before } of this.#objects.set(key, row && toResource(row))) {
          this.#reindex("desired", kind, name, this.#objects.get(kind, name));
          changes.push({ room: "desired", kind, name, before });
        }
        return;
      case "decided": {
        const rows = rowsOf(this.#decided, key.kind);
        const was = rows.get(key.name)?.value;
        put(rows, key.name, seen);
        this.#reindex("decided", key.kind, key.name, seen?.value);
        changes.push({ room: "decided", kind: key.kind, name: key.name, was });
        return;
      }
      case "observed": {
        const byName = rowsOf(this.#observed, key.kind);
        const byNode = byName.get(key.name) ?? new Map<NodeName, Seen<unknown>>();
        put(byNode, key.node, seen);
        put(byName, key.name, byNode.size > 0 ? byNode : undefined);
        if (key.kind === "Membership") this.#announce(key.node, seen);
        changes.push({ room: "observed", kind: key.kind, name: key.name, node: key.node });
        return;
      }
      case "node":
        put(this.#nodes, key.node, seen as Seen<NodeRecord> | undefined); // written by the node's own agent
        if (seen === undefined) this.#goneAtMs.set(key.node, this.#clock.now());
        this.#announce(key.node, seen);
        changes.push({ room: "node", name: key.node, node: key.node });
        return;
    }
  }

  #announce(node: NodeName, seen: Seen<unknown> | undefined): void {
    if (seen === undefined || seen.modRevision <= (this.#announced.get(node)?.modRevision ?? 0)) return;
    this.#announced.set(node, { bootId: bootIdOf(seen.value), modRevision: seen.modRevision });
  }

  /** What a node observed before it died, or before its last boot, is no longer so. */
  #counts(node: NodeName, value: unknown): boolean {
    const membership = this.#decided.get("Membership")?.get(node)?.value as DecidedMembership | undefined; // written by agents only
    if (membership?.state === "Down") return false;
    const announced = this.#announced.get(node);
    return announced === undefined || announced.bootId === bootIdOf(value);
  }

  #build(by: Index): NameIndex {
    const index = new NameIndex();
    if (by.room === "desired") for (const [name, object] of this.#objects.all(by.kind)) index.set(name, by.keys(object, name));
    else for (const [name, seen] of this.allDecided(by.kind)) index.set(name, by.keys(seen.value, name));
    this.#indexes.set(by, index);
    return index;
  }

  #reindex(room: Index["room"], kind: Kind, name: Name, value: unknown): void {
    for (const [by, index] of this.#indexes) {
      if (by.room === room && by.kind === kind) index.set(name, value === undefined ? [] : by.keys(value, name));
    }
  }
}

function bootIdOf(value: unknown): string {
  return (value as { readonly bootId: string }).bootId; // all that nodes write about themselves has one
}

function rowsOf<T>(table: Rows<T>, kind: Kind): Map<Name, T> {
  const rows = table.get(kind) ?? new Map<Name, T>();
  table.set(kind, rows);
  return rows;
}

function put<K, V>(map: Map<K, V>, key: K, value: V | undefined): void {
  if (value === undefined) map.delete(key);
  else map.set(key, value);
}
