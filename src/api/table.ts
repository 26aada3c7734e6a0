// What the agent hands to its ingress: one whole table, swapped in memory at once and kept on disk. Pure types.
import type { Name, NodeName } from "./resource.ts";

/** Where a request may go. From another node the way is 734 to `node`, and from there the same. */
export interface Backend {
  readonly node: NodeName;
  /** `jellyfin-k3f9`; empty for what is no container. */
  readonly instance: string;
  /** IPv4 or host name, dialled by the ingress of `node`. */
  readonly host: string;
  readonly port: number;
  readonly tls?: "verify" | "insecure";
  /** Of an address outside of the house: the host, and its port if it is not the usual one, that it knows itself by. */
  readonly authority?: string;
}

export interface HttpRoute {
  readonly name: Name;
  /** Single label (matches `<label>.<zone>`, `<label>.local` and bare) or a full name; lower case. */
  readonly host: string;
  /** Begins with `/`; the longest wins. */
  readonly path: string;
  readonly backends: readonly Backend[];
  /** Why there is no backend, for the page under its name: `Starting`, `NoNodeFits`, `ImagePullFailed`; `next`: what to type. */
  readonly waiting?: { readonly reason: string; readonly message: string; readonly next?: string };
  /** How long a request waits for a backend, its body unread, ms. */
  readonly holdMs: number;
  readonly responseTimeoutMs?: number;
  readonly maxBodyBytes?: number;
  readonly redirect?: { readonly to: string; readonly status: number };
  readonly allow?: readonly string[];
  readonly basicAuth?: readonly { readonly user: string; readonly hash: string }[];
  readonly forwardAuth?: { readonly url: string; readonly headers: readonly string[] };
  readonly headers?: { readonly request?: Readonly<Record<string, string>>; readonly response?: Readonly<Record<string, string>> };
  readonly sticky?: boolean;
  readonly forwardedHeaders: "none" | "standard";
}

export interface StreamRoute {
  readonly name: Name;
  readonly protocol: "tcp" | "udp";
  /** Absent: all addresses of the node. */
  readonly address?: string;
  readonly port: number;
  /** Only TLS connections that ask for this host, as an HttpRoute's; others share the port. */
  readonly host?: string;
  readonly backends: readonly Backend[];
  readonly allow?: readonly string[];
  readonly proxyProtocol?: "v1" | "v2";
  readonly idleTimeoutMs: number;
}

export type DnsType = "A" | "AAAA" | "CNAME" | "TXT" | "SRV" | "MX" | "PTR";

export interface DnsEntry {
  /** Full name without a trailing dot, lower case; may begin with `*.`. */
  readonly name: string;
  readonly type: DnsType;
  /** Presentation form of the record's data, e.g. `192.168.1.40`, `10 mail.example.com`. */
  readonly values: readonly string[];
  /** Seconds. */
  readonly ttl: number;
}

/** A name that leads to the house itself: answered with the addresses of nodes that hold the port, by where the question came from. */
export interface HouseName {
  readonly name: string;
  /** Nodes that answer for it, the one where the instance runs first. */
  readonly nodes: readonly NodeName[];
}

export interface NodeAddresses {
  /** The node's id; absent in a table of an earlier release. */
  readonly id?: string;
  readonly lan: readonly string[];
  readonly tailnet: readonly string[];
  /** Where its ingress takes what other nodes' have for its instances; absent: 734. */
  readonly meshPort?: number;
  /** That its ingress holds; absent: not known. */
  readonly httpPort?: number;
  /** Of `lan`, where it can announce names by mDNS; absent: an earlier release does not say. */
  readonly announces?: readonly string[];
}

/** Whom the house asks for names outside of it, in its people's stead. */
export interface Resolver {
  /** Whose questions: of this node's own LANs, of the tailnet. */
  readonly serve: readonly ("lan" | "tailnet")[];
  /** In the order in which they are asked. Empty: nobody can be asked, which is said as a failure. */
  readonly upstreams: readonly ResolverUpstream[];
}

export interface ResolverUpstream {
  /** IPv4 or IPv6. */
  readonly host: string;
  readonly port: number;
  /** Where the port differs for TCP. */
  readonly tcpPort?: number;
  /** An app of the house: it is told who asks. */
  readonly isApp?: boolean;
  /** Where the app runs, and as what; absent: each node asks by itself. */
  readonly node?: NodeName;
  readonly instance?: string;
}

export interface Table {
  /** The store's revision that this table was built from. */
  readonly revision: number;
  readonly node: NodeName;
  readonly zone: string;
  readonly http: readonly HttpRoute[];
  readonly streams: readonly StreamRoute[];
  readonly records: readonly DnsEntry[];
  readonly houseNames: readonly HouseName[];
  /** Those that announce themselves. */
  readonly nodes: Readonly<Record<NodeName, NodeAddresses>>;
  /** Nodes that are known to be dead: what is under way to them is cut. */
  readonly down?: readonly NodeName[];
  /** Absent: the house answers for its own names only. */
  readonly resolver?: Resolver;
}

/** What the ingress tells its agent. */
export interface IngressStatus {
  readonly pid: number;
  /** SHA-256 of the program file that runs, so that an upgrade is seen. */
  readonly build: string;
  readonly revision: number;
  readonly listeners: readonly {
    readonly protocol: "http" | "dns" | "mesh" | "tcp" | "udp";
    readonly address: string;
    readonly port: number;
    /** Set when the wanted port was busy or forbidden: who holds it, and what was taken instead. */
    readonly problem?: string;
  }[];
  /** Names on the LAN by mDNS, of each segment for which this node speaks; absent in an earlier release. */
  readonly localNames?: readonly LocalName[];
  /** Own addresses where mDNS can be spoken, whoever speaks there for the house; absent in an earlier release. */
  readonly announces?: readonly string[];
  /** Absent: off. */
  readonly accessLog?: {
    readonly file: string;
    readonly lines: number;
    readonly dropped: number;
    /** Why nothing is written. */
    readonly problem?: string;
  };
}

/** `jellyfin` for `jellyfin.local`. */
export interface LocalName {
  readonly host: string;
  /** This node's own on that segment. */
  readonly address: string;
  readonly state: "probing" | "announced" | "silent";
  /** Why it is not announced though it should be. */
  readonly problem?: string;
}

/** What only this node knows about its own sockets: sent by its agent, kept on disk beside the table. */
export interface IngressSettings {
  readonly http: {
    /** `::` is all addresses of both families. */
    readonly addresses: readonly string[];
    /** The first free one is taken: 80, then others. */
    readonly ports: readonly number[];
  };
  readonly dns: {
    /** Specific ones only, so that it lives beside 127.0.0.53 and knows where it was asked. One not there yet is tried again. */
    readonly addresses: readonly string[];
    readonly ports: readonly number[];
  };
  /** Absent in those of an earlier release, until its bridges were made. Only their containers are answered for names outside of the zone. */
  readonly containers?: {
    /** Every house name is this address to a container; it is one of `dns.addresses` once the bridge is there. */
    readonly gateway: string;
    /** CIDR, of all bridges. */
    readonly subnets: readonly string[];
    /** The host's real name servers, tried in order: one on its loopback, too, for the ingress is on the host's own network. */
    readonly upstreams: readonly string[];
  };
  /** Absent: no name is announced on the LAN. */
  readonly mdns?: {
    /** Own ones on LANs. */
    readonly addresses: readonly string[];
  };
  /** Absolute path; absent: no access log is written. */
  readonly accessLog?: string;
  /** The way to and from the other nodes of the house; absent: this node has no house. */
  readonly mesh?: MeshSettings;
}

/** What the ingress shows on 734, and whom it takes for a member. */
export interface MeshSettings {
  readonly addresses: readonly string[];
  readonly ports: readonly number[];
  /** PEM: the ingress' leaf with the CA's certificate behind it. */
  readonly certificate: string;
  /** Path of its key, which is nobody else's to read. */
  readonly keyFile: string;
  /** PEM. */
  readonly ca: string;
  /** Ids of nodes whose certificates are good for nothing any more. */
  readonly removed: readonly string[];
}

/** The program that takes over from a running ingress; `args` as for a first start. */
export interface IngressProgram {
  readonly execPath: string;
  readonly args: readonly string[];
}

/** A question to the ingress of another node. */
export interface IngressPing {
  readonly node: NodeName;
  readonly limitMs: number;
  /** Then, on the clock of this boot, the house counted that one as alive; absent: it does not, or this node has no contact itself. */
  readonly contactAtMs?: number | undefined;
}

/** What an ingress ends by itself, when its agent is gone and nobody of the house asks for it. */
export interface FenceTold {
  /** Docker's ids. */
  readonly containers: readonly string[];
  /** On the clock of this boot: the last certain contact with the house. */
  readonly contactAtMs: number;
}
