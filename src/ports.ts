// What the core needs of the world: types only. Adapters implement them, fakes stand in for them in the simulator, and one
// contract suite holds both to the same behaviour.
import type { Kind, Name, NodeName } from "./api/resource.ts";
import type { NodeRecord } from "./api/state.ts";
import type { AnyStatus } from "./api/status.ts";
import type { Backend, IngressStatus, Table } from "./api/table.ts";
import type { FileEntry } from "./api/types.ts";

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
}

export interface CommitResult {
  /** False: a compare failed and nothing was written. */
  readonly committed: boolean;
  readonly revision: number;
}

export interface StoreStatus {
  readonly clusterId: string;
  readonly memberId: string;
  readonly leader: boolean;
  /** False: no leader, writes are refused. */
  readonly quorum: boolean;
  readonly version: string;
  readonly dbBytes: number;
  readonly revision: number;
}

export interface Store {
  /** All keys below a prefix, in pages at one revision. Throws StoreUnavailable. */
  list(prefix: string, signal: AbortSignal): Promise<Listing>;
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
  /** Revokes the lease: its keys go at once. */
  close(): Promise<void>;
}

// ---------------------------------------------------------------- containers

export interface EngineInfo {
  readonly version: string;
  readonly apiVersion: string;
  readonly arch: string;
  readonly os: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Rootless, or in a VM (Docker Desktop): containers cannot be dialled by address, ports are published on 127.0.0.1. */
  readonly remoteNetwork: boolean;
  readonly runtimes: readonly string[];
  readonly dataDir: string;
}

/** A container that carries our labels. */
export interface Container {
  readonly id: string;
  readonly name: string;
  readonly service: Name;
  readonly instance: string;
  /** The container's name inside its Service. */
  readonly container: string;
  readonly specHash: string;
  readonly state: "created" | "running" | "restarting" | "paused" | "exited" | "dead" | "removing";
  readonly health: "none" | "starting" | "healthy" | "unhealthy";
  readonly healthDetail?: string;
  readonly exitCode: number;
  readonly outOfMemory: boolean;
  /** Docker's own restarts since it was started by us. */
  readonly restarts: number;
  /** RFC 3339; absent before the first start. */
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly imageId: string;
  /** Fixed IPv4 from its network configuration, also while it does not run. */
  readonly address?: string;
  /** Published on 127.0.0.1 where the engine's network is remote: container port to host port. */
  readonly published: Readonly<Record<string, number>>;
  /** Docker's own error of the last start. */
  readonly error?: string;
}

export interface MountSpec {
  readonly target: string;
  readonly readOnly: boolean;
  /** A Docker volume by name (made by `ensureVolume`), or a path of the host that must exist. */
  readonly source: { readonly volume: string } | { readonly hostPath: string };
}

/** Everything decided: the adapter turns it into Docker's create call and adds nothing of its own. */
export interface ContainerSpec {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly image: string;
  readonly command?: readonly string[];
  readonly entrypoint?: readonly string[];
  readonly workingDir?: string;
  readonly user?: string;
  readonly hostname?: string;
  readonly env: Readonly<Record<string, string>>;
  readonly mounts: readonly MountSpec[];
  readonly tmpfs: readonly { readonly path: string; readonly sizeBytes?: number; readonly mode?: string }[];
  readonly devices: readonly { readonly host: string; readonly container: string }[];
  readonly gpus: "none" | "nvidia";
  readonly groups: readonly string[];
  /** Docker's own HEALTHCHECK: a command, `none` to switch the image's off, absent to keep the image's. */
  readonly healthcheck?:
    | "none"
    | {
        readonly command: readonly string[];
        readonly intervalMs: number;
        readonly timeoutMs: number;
        readonly retries: number;
        readonly startGraceMs: number;
      };
  readonly network:
    | {
        readonly kind: "bridge";
        readonly network: string;
        readonly address: string;
        readonly aliases: readonly string[];
        readonly macAddress?: string;
      }
    | { readonly kind: "host" }
    | { readonly kind: "container"; readonly id: string };
  readonly dns?: { readonly servers: readonly string[]; readonly search: readonly string[]; readonly options: readonly string[] };
  /** Container ports to publish on 127.0.0.1, for engines with a remote network. */
  readonly publish: readonly { readonly port: number; readonly protocol: "tcp" | "udp" }[];
  readonly extraHosts: Readonly<Record<string, string>>;
  readonly restart: "on-failure" | "no";
  readonly privileged: boolean;
  readonly capAdd: readonly string[];
  readonly capDrop: readonly string[];
  readonly securityOpt: readonly string[];
  readonly sysctls: Readonly<Record<string, string>>;
  readonly ulimits: Readonly<Record<string, { readonly soft: number; readonly hard: number }>>;
  readonly shmBytes?: number;
  readonly memoryBytes?: number;
  readonly cpus?: number;
  readonly init: boolean;
  readonly tty: boolean;
  readonly readOnly: boolean;
  readonly stopSignal?: string;
  readonly stopGraceMs: number;
  readonly pid?: string;
  readonly ipc?: string;
  readonly runtime?: string;
  readonly platform?: string;
  readonly logging: { readonly driver: string; readonly options: Readonly<Record<string, string>> };
  readonly engine?: Readonly<Record<string, unknown>>;
}

export interface ImageInfo {
  readonly id: string;
  readonly digests: readonly string[];
  readonly tags: readonly string[];
  readonly arch: string;
  readonly hasHealthcheck: boolean;
  readonly exposedTcpPorts: readonly number[];
  readonly bytes: number;
}

export interface PullProgress {
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly layers: number;
}

export interface NetworkSpec {
  readonly name: string;
  /** CIDR, ours. */
  readonly subnet: string;
  readonly gateway: string;
  /** Containers on it may reach each other. */
  readonly icc: boolean;
  readonly labels: Readonly<Record<string, string>>;
}

export interface ContainerEvent {
  /** From our labels; absent when the event stream (re)connected: anything may have happened. */
  readonly service?: Name;
  readonly action: string;
}

export interface LogOptions {
  readonly follow: boolean;
  readonly tail?: number;
  /** Unix seconds. */
  readonly since?: number;
  readonly timestamps: boolean;
}

export interface LogChunk {
  readonly stream: "stdout" | "stderr";
  readonly data: Uint8Array;
}

export interface ExecSession {
  /** Demultiplexed unless `tty`, where everything is stdout. Ends when the command did. */
  readonly output: AsyncIterable<LogChunk>;
  write(data: Uint8Array): void;
  end(): void;
  resize(columns: number, rows: number): Promise<void>;
  exitCode(): Promise<number>;
  close(): void;
}

/** One Docker engine. Every call has a deadline of its own besides the signal; every failure is an EngineError. */
export interface Containers {
  info(signal: AbortSignal): Promise<EngineInfo>;
  /** Containers with our labels: all, or of one Service. */
  list(service: Name | undefined, signal: AbortSignal): Promise<readonly Container[]>;
  /** Answers the id. A container of that name with our labels and the same spec hash is the one already made. */
  create(spec: ContainerSpec, signal: AbortSignal): Promise<string>;
  /** Written before the first start; `source` and `secret` are resolved by now. */
  putFiles(id: string, files: readonly FileEntry[], signal: AbortSignal): Promise<void>;
  start(id: string, signal: AbortSignal): Promise<void>;
  /** Returns once it has ended. Stopping what is stopped or gone is no error. */
  stop(id: string, graceMs: number, signal: AbortSignal): Promise<void>;
  kill(id: string, signal: AbortSignal): Promise<void>;
  /** Forced, with its anonymous volumes; never a named one. Removing what is gone is no error. */
  remove(id: string, signal: AbortSignal): Promise<void>;
  setRestartPolicy(id: string, policy: "no" | "on-failure" | "unless-stopped", signal: AbortSignal): Promise<void>;
  image(reference: string, signal: AbortSignal): Promise<ImageInfo | undefined>;
  pull(
    reference: string,
    platform: string | undefined,
    onProgress: (progress: PullProgress) => void,
    signal: AbortSignal,
  ): Promise<ImageInfo>;
  /** False: still used by a container. */
  removeImage(reference: string, signal: AbortSignal): Promise<boolean>;
  ensureNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<void>;
  /** With our labels. */
  networks(signal: AbortSignal): Promise<readonly NetworkSpec[]>;
  removeNetwork(name: string, signal: AbortSignal): Promise<void>;
  /** A named volume that is a bind of `directory`; it is made if absent and never changed. */
  ensureVolume(name: string, directory: string, labels: Readonly<Record<string, string>>, signal: AbortSignal): Promise<void>;
  removeVolume(name: string, signal: AbortSignal): Promise<void>;
  /** A hint, never the truth. Reconnects by itself; yields an event without a service whenever it did. */
  events(signal: AbortSignal): AsyncIterable<ContainerEvent>;
  logs(id: string, options: LogOptions, signal: AbortSignal): AsyncIterable<LogChunk>;
  exec(
    id: string,
    command: readonly string[],
    options: { readonly tty: boolean; readonly stdin: boolean; readonly user?: string; readonly workingDir?: string },
    signal: AbortSignal,
  ): Promise<ExecSession>;
  stats(id: string, signal: AbortSignal): Promise<{ readonly memoryBytes: number; readonly cpuNanos: number }>;
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
  | { readonly state: "running"; readonly progress?: PullProgress; readonly sinceMs: BootMs }
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
  /**
   * Answers the directory. `made`: it was there before, so a missing marker, or one with another uid (a reinstalled machine), is a
   * Refusal; else it is made, unless another uid's is there.
   */
  ensure(name: string, uid: string, made: boolean): Promise<string>;
  exists(path: string): Promise<boolean>;
}

/** What the ingress serves: rows by owner, published as one whole table, coalesced. */
export interface Proxy {
  setRoute(name: Name, rows: Pick<Table, "http" | "streams"> | undefined): void;
  setRecord(name: Name, rows: Pick<Table, "records" | "houseNames"> | undefined): void;
  /** What was last handed over under that name, to compare. */
  route(name: Name): Pick<Table, "http" | "streams"> | undefined;
  record(name: Name): Pick<Table, "records" | "houseNames"> | undefined;
  status(): IngressStatus | undefined;
}

/** What this machine is; read anew at each call. */
export interface System {
  describe(signal: AbortSignal): Promise<Omit<NodeRecord, "nodeId" | "bootId" | "ports">>;
  /** The host's real name servers, two at most: what containers ask besides the house. */
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
}

/** Values of secrets by `name/key`; undefined: not there yet. */
export interface Secrets {
  get(reference: string): string | undefined;
}

// ---------------------------------------------------------------- what the server needs of its agent

/** Computes `status` by the kind's own pure `status.ts`. */
export interface StatusReader {
  status(kind: Kind, name: Name): AnyStatus | undefined;
  /** Running pulls of a Service on this node, for people who wait. */
  progress(service: Name): readonly { readonly image: string; readonly progress: PullProgress | undefined; readonly sinceMs: BootMs }[];
  /** The whole of this node's last plan for a name, as sentences. */
  planned(kind: Kind, name: Name): readonly string[];
}

// ---------------------------------------------------------------- sockets that the ingress listens on

/** Where to listen: a port, or the sockets that the process before this one handed down. */
export type ListenAt = { readonly port: number } | { readonly fds: readonly number[] };

/** One or more sockets that answer together at one address and port. */
export interface Listening {
  readonly port: number;
  /** Node's own `net.Server` and `dgram.Socket`, to hand down; they stay open until `drain`. */
  readonly sockets: readonly object[];
  /** Takes nothing new from now on; resolves when the last one in flight is through. */
  drain(): Promise<void>;
}

export type Listen = (address: string, at: ListenAt) => Promise<Listening>;

/** Which backend to try first, learnt from those that could not be reached. */
export interface BackendOrder {
  order(backends: readonly Backend[], node: NodeName, nowMs: number): readonly Backend[];
  unreachable(backend: Backend, nowMs: number): void;
}
