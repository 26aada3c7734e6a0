// What the core needs of the world: types only. Adapters implement them, fakes stand in for them in the simulator, and one
// contract suite holds both to the same behaviour.
import type { Socket } from "node:net";
import type { NetworkSpec, PullProgress, RunningContainers } from "./container-ports.ts";
import type { Kind, Name, NodeName } from "./api/resource.ts";
import type { NodeRecord } from "./api/state.ts";
import type { AnyStatus } from "./api/status.ts";
import type { StoreRoom } from "./api/store-room.ts";
import type { Backend, HttpRoute, IngressStatus, StreamRoute, Table } from "./api/table.ts";
import type { DnsReply } from "./api/dns-facts.ts";
import type { BackendFault, OwnReason } from "./api/traffic.ts";

// ---------------------------------------------------------------- time and chance

/** Milliseconds on this node's boot-time clock (`os.uptime()`, which counts suspend). Never compared across nodes. */
export type BootMs = number;

export interface Clock {
  now(): BootMs;
  /** Wall time as RFC 3339, for people's eyes only. */
  wall(): string;
  /** Resolves after `ms`; rejects with the signal's reason. */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
  /** Calls `run` once after `ms`; the returned function cancels. */
  timer(ms: number, run: () => void): () => void;
}

export interface Random {
  /** In [0, 1). */
  next(): number;
}

export interface Log {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

// ---------------------------------------------------------------- store

export interface Entry {
  readonly key: string;
  readonly value: string;
  /** Per-key version, 1 when made. */
  readonly version: number;
  readonly createRevision: number;
  readonly modRevision: number;
}

export interface Listing {
  readonly entries: readonly Entry[];
  /** All pages were read at this revision; watch from the next one. */
  readonly revision: number;
  readonly clusterId: string;
}

export type StoreEvent =
  | { readonly type: "put"; readonly entry: Entry }
  | { readonly type: "delete"; readonly key: string; readonly modRevision: number };

export interface WatchBatch {
  /** Everything up to and including this revision was delivered. A batch without events is progress: the store is alive. */
  readonly revision: number;
  readonly events: readonly StoreEvent[];
}

export interface Compare {
  readonly key: string;
  /** 0: the key must not exist. */
  readonly modRevision: number;
}

export type Write = { readonly put: string; readonly value: string } | { readonly delete: string };

export interface Transaction {
  readonly compare: readonly Compare[];
  readonly writes: readonly Write[];
  /** What it puts ends by itself after so long, unless it is written again. An election begins the time anew. */
  readonly ttlMs?: number;
}

export interface CommitResult {
  /** False: a compare failed and nothing was written. */
  readonly committed: boolean;
  readonly revision: number;
}

export interface StoreStatus extends StoreRoom {
  readonly clusterId: string;
  readonly memberId: string;
  readonly leader: boolean;
  /** False: no leader, writes are refused. */
  readonly quorum: boolean;
  readonly version: string;
  readonly revision: number;
}

export interface Store {
  /** All keys below a prefix, or below each of several, in pages at one revision. Throws StoreUnavailable. */
  list(prefix: string | readonly string[], signal: AbortSignal): Promise<Listing>;
  get(key: string, signal: AbortSignal): Promise<Entry | undefined>;
  /**
   * Every event below the prefix from `fromRevision` on, in order, none lost, none twice; reconnects, changes hosts and resumes by
   * itself, and says that it is alive at least every 12 s while it is. Throws WatchExpired when it cannot go on from where it was
   * (compacted, another cluster id, an older snapshot restored): list again, diff, and synthesise what is missing.
   */
  watch(prefix: string, fromRevision: number, signal: AbortSignal): AsyncIterable<WatchBatch>;
  /** Throws StoreUnavailable when nothing was written, OutcomeUnknown when that cannot be known (look again). */
  commit(transaction: Transaction, signal: AbortSignal): Promise<CommitResult>;
  /** Keys that live as long as this process says so. Granted anew, and its keys written anew, when it was lost. */
  lease(ttlMs: number): Lease;
  status(signal: AbortSignal): Promise<StoreStatus>;
  close(): Promise<void>;
}

export interface Lease {
  /** Writes the key under the lease now and after every loss, until `delete` or `close`. */
  put(key: string, value: string): void;
  delete(key: string): void;
  /** When the last answered renewal was sent; undefined before the first. Fences are measured from here. */
  renewedAtMs(): BootMs | undefined;
  /** How often the store said that there is no such lease: its keys were gone, and others may have acted on that, whatever the clock says. */
  losses(): number;
  /** The store's revision at which the key was written under the present lease; undefined: it is not. */
  writtenAt(key: string): number | undefined;
  /** Revokes the lease: its keys go at once. */
  close(): Promise<void>;
}

// ---------------------------------------------------------------- what the node itself offers

/** Checks that the agent runs (HTTP, TCP); Docker runs the commands. */
export type Probe =
  | {
      readonly kind: "http";
      readonly host: string;
      readonly port: number;
      readonly path: string;
      readonly status: readonly [number, number];
      readonly timing: ProbeTiming;
    }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number; readonly timing: ProbeTiming };

export interface ProbeTiming {
  readonly intervalMs: number;
  readonly timeoutMs: number;
  readonly retries: number;
  readonly startGraceMs: number;
}

export interface ProbeState {
  readonly health: "starting" | "healthy" | "unhealthy";
  readonly detail?: string;
  readonly sinceMs: BootMs;
}

export interface Probes {
  /** Begins or goes on; a different probe for the id begins anew. Its change wakes the Service. */
  watch(id: string, service: Name, probe: Probe): ProbeState;
  /** Ends the probes of a Service but for these ids. */
  keep(service: Name, ids: readonly string[]): void;
}

/** Pulls and other long work: started or joined by a verb, reported by observe, its end wakes the name. */
export type JobState =
  /** `failedBefore`: it is tried again, and has not come further yet. */
  | { readonly state: "running"; readonly progress?: PullProgress; readonly sinceMs: BootMs; readonly failedBefore?: Error }
  | { readonly state: "failed"; readonly error: Error; readonly atMs: BootMs; readonly tries: number }
  | { readonly state: "done"; readonly atMs: BootMs };

export interface Jobs {
  get(key: string): JobState | undefined;
  /** Starts it unless it runs. A failed one may be started again. */
  start(
    key: string,
    wake: { readonly kind: Kind; readonly name: Name },
    run: (report: (progress: PullProgress) => void, signal: AbortSignal) => Promise<void>,
  ): void;
  forget(key: string): void;
}

/** Fixed addresses of this node's own subnets, kept on disk; one released is not given again for 10 minutes. */
export interface Addresses {
  /** The bridge that Services of one container share. */
  readonly shared: NetworkSpec;
  /** The gateway of the shared bridge, where the ingress answers containers. */
  readonly gateway: string;
  /** A private /28 for a Service instance of several containers: taken or found again by key. */
  privateNetwork(key: string): Promise<NetworkSpec>;
  releaseNetwork(key: string): Promise<void>;
  /** Taken or found again by key (the container's name). */
  take(network: NetworkSpec, key: string): Promise<string>;
  release(key: string): Promise<void>;
  /** Under which addresses and private networks are taken now. */
  keys(): readonly string[];
}

/** Local volumes: directories below the data directory with a marker file beside them. */
export interface LocalVolumes {
  /** Answers the directory, and makes a new one. A Refusal where it was `made` and has no marker, or one of another uid (a reinstalled machine). */
  ensure(name: string, uid: string, made: boolean): Promise<string>;
  exists(path: string): Promise<boolean>;
}

/** What the ingress serves: rows by owner, published as one whole table, coalesced. */
export interface Proxy {
  setRoute(name: Name, rows: Pick<Table, "http" | "streams"> | undefined): void;
  setRecord(name: Name, rows: Pick<Table, "records" | "houseNames"> | undefined): void;
  setHouse(rows: Pick<Table, "resolver"> | undefined): void;
  /** What was last handed over under that name, to compare. */
  route(name: Name): Pick<Table, "http" | "streams"> | undefined;
  record(name: Name): Pick<Table, "records" | "houseNames"> | undefined;
  house(): Pick<Table, "resolver"> | undefined;
  status(): IngressStatus | undefined;
  /** Instances, as `jellyfin-k3f9`, that answer somebody through this node's ingress right now, whichever node was asked, or may be led to next. */
  busy(): Promise<ReadonlySet<string>>;
}

/** What this machine is; read anew at each call. */
export interface System extends RunningContainers {
  describe(signal: AbortSignal): Promise<Omit<NodeRecord, "nodeId" | "bootId" | "ports">>;
  /** Of the file system that Fossora's data is on, as images mostly are. */
  disk(): Promise<{ readonly freeBytes: number; readonly totalBytes: number }>;
  /** The host's real name servers, in order; those on loopback only where there are no others. */
  resolvers(): readonly string[];
}

/** Best effort, with a lease of 24 h, never read by a controller. */
export interface Events {
  emit(event: {
    readonly kind: Kind;
    readonly name: Name;
    readonly type: "Normal" | "Warning";
    readonly reason: string;
    readonly message: string;
  }): void;
}

export interface Identity {
  readonly node: NodeName;
  readonly nodeId: string;
  readonly bootId: string;
  /** When this boot was first seen. */
  readonly bootedAtMs: BootMs;
}

/** Values of secrets by `name/key`; undefined: not there yet. */
export interface Secrets {
  get(reference: string): string | undefined;
}

/** Computes `status` by the kind's own pure `status.ts`. */
export interface StatusReader {
  status(kind: Kind, name: Name): AnyStatus | undefined;
  /** Running pulls of a Service on this node, for people who wait. */
  progress(service: Name): readonly { readonly image: string; readonly progress: PullProgress | undefined; readonly sinceMs: BootMs }[];
  /** The whole of this node's last plan for a name, as sentences. */
  planned(kind: Kind, name: Name): readonly string[];
}

/** How much the engine of this node has done since it started. */
export interface EngineCounts {
  /** Names that wait for their turn or have it. */
  readonly queued: number;
  /** Names whose last try failed. */
  readonly failing: number;
  readonly kinds: ReadonlyMap<Kind, KindCounts>;
}

export interface KindCounts {
  /** A name was looked at and planned. */
  readonly looks: number;
  readonly actions: number;
  readonly failures: number;
}

// ---------------------------------------------------------------- sockets that the ingress listens on

/** Where to listen: a port, or the sockets that the process before this one handed down. */
export type ListenAt = { readonly port: number } | { readonly fds: readonly number[] };

/** One or more sockets that answer together at one address and port. */
export interface Listening {
  readonly port: number;
  /** Node's own `net.Server` and `dgram.Socket`, to hand down; they stay open until `drain`. */
  readonly sockets: readonly object[];
  /** Takes nothing new from now on; resolves when the last one in flight is through, or, where UDP holds the port till then, soon after `now`. */
  drain(now?: AbortSignal): Promise<void>;
}

export type Listen = (address: string, at: ListenAt) => Promise<Listening>;

/** Which backend to try first, learnt from those that could not be reached. */
export interface BackendOrder {
  order(backends: readonly Backend[], node: NodeName, nowMs: number): readonly Backend[];
  unreachable(backend: Backend, nowMs: number): void;
}

// ---------------------------------------------------------------- the way to instances of other nodes

export interface Ways {
  /** An instance of another node: only that node's ingress can dial it. */
  isElsewhere(backend: Backend): boolean;
  /** Open as far as the instance itself. Throws MeshUnreachable, and then the instance has heard nothing. `isEndless`: nobody waits for its end. */
  connect(backend: Backend, how: { readonly limitMs: number; readonly isEndless?: boolean }): Promise<Socket>;
  /** Datagrams of one client. */
  datagrams(backend: Backend, session: DatagramSession): DatagramWay;
}

export interface DatagramSession {
  message(packet: Buffer): void;
  /** Nobody listens there, the way is cut, or (`NoRoom`) there are too many there. */
  closed(error: Error): void;
}

export interface DatagramWay {
  /** One datagram of these parts; it may be lost. */
  send(...parts: readonly Uint8Array[]): void;
  close(): void;
}

// ---------------------------------------------------------------- asking name servers, for people

export interface NameServer {
  readonly address: string;
  readonly port: number;
  readonly protocol: "udp" | "tcp";
}

/** Questions of a person's own computer. Each ends within a few seconds, and throws where there was no answer. */
export interface DnsProbe {
  ask(server: NameServer, name: string, type: "A" | "AAAA" | "NS" | "SOA"): Promise<DnsReply>;
  /** As programs on this computer find addresses; none: there is no such name here. */
  lookup(name: string): Promise<readonly string[]>;
  /** One question for addresses of both families to everybody on the LANs that this computer is on; `.local` names alone. */
  askLocal(name: string): Promise<DnsReply>;
  /** Which zones tailscaled sends where; undefined: there is none here, or it is not connected. */
  splitDns(): Promise<Readonly<Record<string, readonly string[]>> | undefined>;
  /** Whom this computer asks. */
  nameServers(): readonly string[];
  /** As `process.platform` says. */
  readonly platform: string;
}

// ---------------------------------------------------------------- what is counted of requests

/** How one try of one backend ended; without a fault the head of its answer came after `tookMs`. */
export interface Tried {
  readonly fault?: BackendFault;
  readonly error?: Error;
  readonly tookMs: number;
}

/** An HTTP or a raw route: what is counted of it goes by its name. */
export type Counted = Pick<HttpRoute | StreamRoute, "name">;

/** One request from its head to its end; of a raw route a connection or a client's session. */
export interface EndedExchange {
  readonly route: Counted | undefined;
  /** Who answered; absent where the ingress did, or nobody. */
  readonly backend: Backend | undefined;
  readonly reason: OwnReason | undefined;
  /** 0: the client went before there was an answer. */
  readonly status: number;
  /** From its arrival to the head of a backend's answer. */
  readonly firstByteMs: number | undefined;
  /** False: the answer ended early. */
  readonly whole: boolean;
}

export interface LoggedExchange extends EndedExchange {
  readonly asked: {
    readonly method: string;
    readonly host: string;
    /** As it came, query and all. */
    readonly target: string;
    readonly client: string;
  };
  /** Heads included. */
  readonly bytesIn: number;
  readonly bytesOut: number;
  readonly tookMs: number;
}

/** Told of each request when it has ended; it keeps what it wants at once, for the request is not its own. */
export interface ExchangeLog {
  ended(exchange: LoggedExchange): void;
}

/** Told of each request; what it does is a few additions. `nowMs` is on one clock that only goes forward. */
export interface TrafficCounter {
  /** The request has found its route, or another than `before`; one `ended` follows for the last one. */
  began(route: Counted, before: Counted | undefined): void;
  tried(route: Counted, backend: Backend, tried: Tried, nowMs: number): void;
  /** On the client's connection, since it was last said. */
  moved(route: Counted | undefined, bytesIn: number, bytesOut: number): void;
  ended(exchange: EndedExchange, nowMs: number): void;
}
