// What is said to a question of DNS, and to whom: the ingress decides it, its sockets carry it out. Pure types.
import type { ResolverUpstream } from "./table.ts";

export type RecordData =
  | { readonly type: "A" | "AAAA" | "CNAME" | "PTR" | "NS"; readonly data: string }
  | { readonly type: "TXT"; readonly data: string[] }
  | { readonly type: "MX"; readonly data: { readonly preference: number; readonly exchange: string } }
  | {
      readonly type: "SRV";
      readonly data: { readonly priority: number; readonly weight: number; readonly port: number; readonly target: string };
    }
  | { readonly type: "HINFO"; readonly data: { readonly cpu: string; readonly os: string } }
  | { readonly type: "SOA"; readonly data: Soa };

export interface Soa {
  readonly mname: string;
  readonly rname: string;
  readonly serial: number;
  readonly refresh: number;
  readonly retry: number;
  readonly expire: number;
  readonly minimum: number;
}

export type RecordRow = RecordData & { readonly name: string; readonly ttl: number };

export interface DnsAnswer {
  readonly rcode: "NOERROR" | "NXDOMAIN" | "REFUSED" | "SERVFAIL";
  readonly authoritative: boolean;
  readonly answers: readonly RecordRow[];
  readonly authorities: readonly RecordRow[];
  /** An alias leads to this name, which others know. */
  readonly outside?: string;
}

export interface Peer {
  /** The local address that was asked. */
  readonly asked: string;
  readonly client: string;
}

export type Reply =
  /** `recursion`: this asker may ask for names outside as well. */
  | {
      readonly kind: "answer";
      readonly answer: DnsAnswer;
      readonly recursion: boolean;
      /** An alias leads outside: ask these for the rest, since programs follow none themselves. */
      readonly follow?: { readonly name: string; readonly upstreams: readonly ResolverUpstream[] };
    }
  /** Ask these in the peer's stead. */
  | { readonly kind: "forward"; readonly upstreams: readonly ResolverUpstream[] }
  /** Somebody from the internet: refused, and not often. */
  | { readonly kind: "stranger" };
