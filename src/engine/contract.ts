// The contract between the engine and a controller: what a kind must bring so that the loop can run it.
import type { AnyResource, Condition, Kind, Name, NodeName, Resource } from "../api/resource.ts";
import type { NodeRecord } from "../api/state.ts";
import type { Containers, Fence } from "../container-ports.ts";
import type {
  Addresses,
  BootMs,
  Entry,
  Events,
  Identity,
  Jobs,
  LocalVolumes,
  Log,
  Probes,
  Proxy,
  Random,
  Secrets,
  Store,
  System,
  Clock,
  Lease,
} from "../ports.ts";

/** A key that changed in the store, as the mirror saw it. */
export interface Change {
  readonly room: "desired" | "decided" | "observed" | "node";
  readonly kind?: Kind;
  readonly name: Name;
  readonly node?: NodeName;
  /** What a desired object was: whoever stood behind it may have what it had. */
  readonly before?: AnyResource | undefined;
  /** What was decided until now: whoever waits for what that took may have it. */
  readonly was?: unknown;
}

/** A fact and when this node's mirror first saw it. */
export interface Seen<T> {
  readonly value: T;
  readonly modRevision: number;
  readonly seenAtMs: BootMs;
}

/** Of a store, what a node keeps for the time when it does not answer. */
export interface HouseCopy {
  readonly clusterId: string;
  readonly revision: number;
  readonly entries: readonly Entry[];
}

/**
 * What the mirror is worth. `fresh`: the store speaks. `copy`: it has been silent for long, and this node goes on from what it last said,
 * deciding nothing. `none`: nothing was listed yet, or the silence is short; no plan is made.
 */
export type Standing = { readonly kind: "fresh" } | { readonly kind: "copy"; readonly isFromDisk: boolean } | { readonly kind: "none" };

/** A read-only copy of the store: list + watch, diffed, indexed; derived children included. */
export interface Mirror {
  /** False before the first full list and while the watch is silent. */
  readonly fresh: boolean;
  readonly standing: Standing;
  readonly revision: number;
  desired<K extends Kind>(kind: K, name: Name): Resource<K> | undefined;
  /** Stored objects and derived children. */
  all<K extends Kind>(kind: K): Iterable<Resource<K>>;
  decided<T>(kind: Kind, name: Name): Seen<T> | undefined;
  allDecided<T>(kind: Kind): Iterable<readonly [Name, Seen<T>]>;
  /** By node; entries of another boot id, and of nodes that are Down, are left out. */
  observed<T>(kind: Kind, name: Name): ReadonlyMap<NodeName, Seen<T>>;
  /** What a node wrote, whether it counts or not: a node keeps its own entries in order. */
  written<T>(kind: Kind, name: Name, node: NodeName): Seen<T> | undefined;
  /** Of which a node wrote something. */
  writtenBy(kind: Kind, node: NodeName): Iterable<Name>;
  /** What of that the store has: without quorum a node's latest word is in its own mirror alone. */
  stored(kind: Kind, name: Name, node: NodeName): unknown;
  nodes(): ReadonlyMap<NodeName, Seen<NodeRecord>>;
  /** When this mirror saw a node's record go, or first looked and found none; undefined: it is there. */
  recordGoneAtMs(node: NodeName): BootMs | undefined;
  /** Objects in the mirror grouped by a pure function, kept up to date at each change: `mirror.index(byHost).get("jellyfin")`. */
  index(by: Index): ReadonlyMap<string, ReadonlySet<Name>>;
}

/** Defined once as a module constant: the mirror keeps one map for each. */
export interface Index {
  readonly kind: Kind;
  readonly room: "desired" | "decided";
  keys(value: unknown, name: Name): readonly string[];
}

export interface Context {
  readonly node: NodeName;
  /** This node's boot-time clock. */
  readonly now: BootMs;
  /** Without quorum: nothing is decided. Of a copy from the disk the very last decisions may be missing. */
  readonly copy?: { readonly isFromDisk: boolean };
}

export interface Plan<A> {
  /** `[]` = at rest. All are shown by `describe`, only the head is carried out. */
  readonly actions: readonly A[];
  /** This node's own, of this name. */
  readonly conditions: readonly Condition[];
  /** Absent: wait for a change. */
  readonly recheckAfterMs?: number;
}

/** All that a verb or an observation may use. */
export interface Ports {
  readonly identity: Identity;
  readonly mirror: Mirror;
  readonly store: Store;
  readonly lease: Lease;
  readonly containers: Containers;
  readonly probes: Probes;
  readonly jobs: Jobs;
  readonly addresses: Addresses;
  readonly volumes: LocalVolumes;
  readonly secrets: Secrets;
  readonly proxy: Proxy;
  readonly system: System;
  readonly events: Events;
  readonly fence: Fence;
  /** How many of the house's nodes vote, as last known; 0: not yet. */
  readonly voters: () => number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

export interface Controller<D, O, A extends { readonly kind: string }> {
  readonly kind: Kind;
  /** Pure: whom does this change concern? */
  wakes(change: Change, mirror: Mirror): readonly Name[];
  /** Names to run at start and at resync: desired ones, and those that this node still owns something of. */
  names(ports: Ports, signal: AbortSignal): Promise<readonly Name[]>;
  /** Reads only. */
  observe(name: Name, ports: Ports, signal: AbortSignal): Promise<O>;
  /** Pure and total; undefined = deleted. */
  plan(desired: D | undefined, observed: O, context: Context): Plan<A>;
  /** One effect a verb, each safe to repeat. */
  readonly act: {
    readonly [K in A["kind"]]: (action: Extract<A, { readonly kind: K }>, ports: Ports, signal: AbortSignal) => Promise<void>;
  };
}
