// What one ingress has counted of the requests that it served, route by route, for `describe` and the metrics. Pure types.
import type { Name, NodeName } from "./resource.ts";

/** Why the ingress answered a request itself, or could not: a backend's own answer has none. */
export const OWN_REASONS = [
  "badRequest",
  "unknownHost",
  "notSynced",
  "notAllowed",
  "signIn",
  "busy",
  "noSignIn",
  "redirect",
  "lastForward",
  "tooLarge",
  "waiting",
  "unreachable",
  "timedOut",
  "failed",
  "clientGone",
] as const;

export type OwnReason = (typeof OWN_REASONS)[number];

/** How one try of one backend ended, where it ended badly. */
export type BackendFault = "unreachable" | "timedOut" | "failed";

/** From the request's arrival to the head of the answer, or until a raw connection was made; over the last minutes. */
export interface FirstByte {
  readonly requests: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export interface BackendTraffic {
  readonly node: NodeName;
  readonly instance: string;
  readonly host: string;
  readonly port: number;
  /** The table names it no more; what it did is still of interest. */
  readonly gone?: true;
  readonly requests: number;
  readonly faults: Readonly<Partial<Record<BackendFault, number>>>;
  /** It could not be reached since then, and not once in between. */
  readonly outForMs?: number;
  readonly lastError?: { readonly message: string; readonly agoMs: number };
  readonly firstByte?: FirstByte;
}

export interface RouteTraffic {
  readonly route: Name;
  readonly protocol: "http" | "tcp" | "udp";
  /** Of a raw route connections, or sessions of clients. */
  readonly requests: number;
  /** Of HTTP, by `1xx` to `5xx`; `none`: the client went before there was an answer. */
  readonly codes: Readonly<Record<string, number>>;
  readonly reasons: Readonly<Partial<Record<OwnReason, number>>>;
  /** Answers that ended before they were whole. */
  readonly cutOff: number;
  /** Under way now: downloads, WebSockets, requests that are held. */
  readonly open: number;
  /** On the clients' side, heads included. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly firstByte?: FirstByte;
  readonly backends: readonly BackendTraffic[];
}

export interface TrafficReport {
  /** Since this process began to count. */
  readonly forMs: number;
  /** How far back `firstByte` looks. */
  readonly recentMs: number;
  readonly routes: readonly RouteTraffic[];
}

/** What one node's ingress says of a route; `unknown` says why it says nothing. */
export type NodeTraffic =
  | { readonly node: NodeName; readonly forMs: number; readonly recentMs: number; readonly traffic: RouteTraffic | undefined }
  | { readonly node: NodeName; readonly unknown: string };
