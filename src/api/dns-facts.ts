// What a node tells of the house's DNS, for `fossora dns`: which computers answer, and for what. Pure types.
import type { NodeName } from "./resource.ts";
import type { LocalName } from "./table.ts";

export interface DnsNode {
  readonly name: NodeName;
  readonly lan: readonly string[];
  readonly tailnet: readonly string[];
  /** Where its DNS answers; absent: it has not said so. */
  readonly port?: number;
  /** Who holds the port that it should have, and how it is got back. */
  readonly problem?: string;
}

export interface DnsFacts {
  readonly kind: "DnsFacts";
  readonly zone: string;
  /** Who says this. */
  readonly node: NodeName;
  readonly nodes: readonly DnsNode[];
  /** Networks whose questions about everything else the house answers too. */
  readonly resolves: readonly ("lan" | "tailnet")[];
  /** Apps that are ready, by name: each should lead to the house. */
  readonly apps: readonly { readonly name: string; readonly fqdn: string; readonly addresses: readonly string[] }[];
  readonly localNames: readonly LocalName[];
}

/** What a server said. */
export interface DnsReply {
  readonly rcode: string;
  readonly authoritative: boolean;
  /** In presentation form; of an SOA its first name. */
  readonly answers: readonly { readonly type: string; readonly data: string }[];
  readonly ms: number;
}
