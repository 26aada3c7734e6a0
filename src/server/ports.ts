// What the server needs of its agent. Types only; the agent's mirror fits `ObjectReader` as it is.
import type { Kind, Name, NodeName, Resource } from "../api/resource.ts";
import type { IngressStatus } from "../api/table.ts";
import type { Containers } from "../container-ports.ts";
import type { NodeRecord } from "../api/state.ts";
import type { TrafficReport } from "../api/traffic.ts";
import type { Clock, EngineCounts, Identity, Log, StatusReader, Store } from "../ports.ts";

export interface ObjectChange {
  readonly room: "desired" | "decided" | "observed" | "node";
  readonly kind?: Kind;
  readonly name: Name;
  readonly node?: NodeName;
}

/** This node's copy of the store, derived children included. */
export interface ObjectReader {
  /** False: what is read may be old, for the store does not answer. */
  readonly fresh: boolean;
  readonly revision: number;
  desired<K extends Kind>(kind: K, name: Name): Resource<K> | undefined;
  all<K extends Kind>(kind: K): Iterable<Resource<K>>;
  /** Nodes that announce themselves. */
  nodes(): ReadonlyMap<NodeName, { readonly value: NodeRecord }>;
  /** Calls after each batch of changes; answers the function that ends it. */
  subscribe(listener: (changes: readonly ObjectChange[]) => void): () => void;
}

export interface ServerPorts {
  readonly reader: ObjectReader;
  readonly statusReader: StatusReader;
  readonly store: Store;
  readonly containers: Containers;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly log: Log;
  /** Fossora's own. */
  readonly version: string;
  /** What this node's ingress listens on; undefined until it has said so. */
  listeners(): IngressStatus["listeners"] | undefined;
  /** Undefined while it is off, or not known. */
  accessLog(): IngressStatus["accessLog"];
  /** This node's ingress, asked when somebody asks us. */
  readonly ingress: {
    status(signal: AbortSignal): Promise<IngressStatus>;
    traffic(signal: AbortSignal): Promise<TrafficReport>;
    metrics(signal: AbortSignal): Promise<string>;
  };
  engine(): EngineCounts;
}
