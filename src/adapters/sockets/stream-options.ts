// What raw TCP and UDP ask of whoever decides, and how both read its times.
import type { NodeName } from "../../api/resource.ts";
import type { StreamRoute } from "../../api/table.ts";
import type { BackendOrder, Log, TrafficCounter, Ways } from "../../ports.ts";

export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

export interface StreamOptions {
  /** Where the listener at this address and port leads, by the table of this moment; by host where several routes share it. */
  readonly route: (protocol: StreamRoute["protocol"], address: string, port: number, host?: string) => StreamRoute | "by host" | undefined;
  /** The host that the first bytes of a TLS connection ask for. */
  readonly readHello: (
    bytes: Uint8Array,
  ) => { readonly kind: "incomplete" } | { readonly kind: "nameless" } | { readonly kind: "name"; readonly name: string };
  /** For a TLS client whose host nobody has. */
  readonly noSuchHost: Uint8Array;
  readonly isAllowed: (route: StreamRoute, client: string) => boolean;
  /** What the app is told before the first byte, or in each datagram. */
  readonly preface: (route: StreamRoute, client: Endpoint, asked: Endpoint) => Uint8Array | undefined;
  readonly plainAddress: (address: string) => string;
  /** This node's name: its own backends are tried first. */
  readonly node: () => NodeName;
  readonly health: BackendOrder;
  readonly ways: Ways;
  readonly traffic: TrafficCounter;
  readonly log: Log;
}

/** Node's timers know no more: 24 days. */
const TIMER_MAX_MS = 2 ** 31 - 1;

/** 0 is no limit. */
export function idleLimitMs({ idleTimeoutMs }: StreamRoute): number {
  return idleTimeoutMs === 0 ? TIMER_MAX_MS : Math.min(idleTimeoutMs, TIMER_MAX_MS);
}
