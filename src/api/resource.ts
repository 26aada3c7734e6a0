// What every object of the language looks like, stored or served. Pure types; the kinds' specs are in types.ts (generated).
import type { DnsRecordSpec, HouseSpec, MembershipSpec, RouteSpec, ServiceSpec } from "./types.ts";

export const API_VERSION = "fossora.dev/v1";

/** Specs by kind, in their stored form: shorthands expanded, static defaults filled in. */
export interface Specs {
  readonly Service: ServiceSpec;
  readonly Route: RouteSpec;
  readonly DnsRecord: DnsRecordSpec;
  readonly Membership: MembershipSpec;
  readonly House: HouseSpec;
}

export type Kind = keyof Specs;
export type Name = string;
export type NodeName = string;

export interface Metadata {
  /** DNS label, at most 63 characters. */
  readonly name: Name;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
  readonly uid: string;
  /** etcd's per-key version: grows only when the object is rewritten. */
  readonly generation: number;
  /** etcd's mod revision of the desired key, opaque to clients. On a derived child: its owner's. */
  readonly resourceVersion: string;
  /** RFC 3339, stamped by the server. */
  readonly creationTimestamp: string;
  /** `Kind/name`, on derived children only. */
  readonly owner?: string;
}

/** A desired object as the mirror, the controllers and the API see it. */
export interface Resource<K extends Kind = Kind> {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: K;
  readonly metadata: Metadata;
  readonly spec: Specs[K];
}

export type AnyResource = { [K in Kind]: Resource<K> }[Kind];

/** What is stored under `/fossora/desired/<Kind>/<name>`: generation and resourceVersion are etcd's and filled in on reading. */
export interface StoredResource<K extends Kind = Kind> {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: K;
  readonly metadata: Omit<Metadata, "generation" | "resourceVersion" | "owner">;
  readonly spec: Specs[K];
  /** Who applied it (`cli`, `git/<name>`, `agent`): ownership is per object. */
  readonly manager: string;
}

export interface Condition {
  /** CamelCase; every kind has `Ready`. */
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  /** CamelCase; the STATUS column shows the reason of the worst condition. */
  readonly reason: string;
  /** A sentence for a person: what is, what should be, what to do. */
  readonly message: string;
  readonly observedGeneration?: number;
  /** RFC 3339, stamped at the edge; absent until it was stamped. */
  readonly lastTransitionTime?: string;
}
