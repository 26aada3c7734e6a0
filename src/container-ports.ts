// What the core needs of a container engine: types only. src/adapters/dockerode implements it, and one contract suite holds it and the
// fake to the same behaviour.
import type { Name } from "./api/resource.ts";
import type { FileEntry } from "./api/types.ts";

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
  /** Docker's own: when it starts it again. */
  readonly restartPolicy: string;
  /** What it was made with: how long it may take to end when it is told to. */
  readonly stopGraceMs?: number;
  /** Fixed IPv4 from its network configuration, also while it does not run. */
  readonly address?: string;
  /** Published on 127.0.0.1 where the engine's network is remote: container port to host port. */
  readonly published: Readonly<Record<string, number>>;
  /** Folders of volumes that are this container's alone, as its image declares them, by name: they go along with it. */
  readonly unheld?: readonly string[];
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
  /** CIDR within it: what Docker gives to containers that others put on it. Absent: any free address. */
  readonly othersRange?: string;
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
  /** One of the pieces in which the engine keeps output begins here; each has a time of its own, where times are asked for. Without a terminal alone. */
  readonly begins?: true;
}

export interface ExecSession {
  /** Demultiplexed unless `tty`, where everything is stdout. Ends when the command did. */
  readonly output: AsyncIterable<LogChunk>;
  /** False: the command does not keep up, and no more is to be written before `onDrain` is told. */
  write(data: Uint8Array): boolean;
  onDrain(run: () => void): void;
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
  /**
   * Forced, one that the engine cannot start any more, with what its networks keep of it. Answers the anonymous volumes that stay: those of one
   * that ever ran have what its image asked to be kept. Discarding what is gone is no error.
   */
  discard(id: string, signal: AbortSignal): Promise<readonly string[]>;
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

/** What is known of containers without their engine. */
export interface RunningContainers {
  /** Ids of those that have processes now, as the kernel says; undefined: they run on another kernel. */
  runningContainers(): ReadonlySet<string> | undefined;
}

/** Ends what another node may start once this one has lost contact with the house. */
export interface Fence {
  /** The house knows that this node is here, and nobody else takes over what is decided for it. */
  readonly isOpen: boolean;
  /** The containers of a Service that are under it, whatever their state; others of the Service are not any more. */
  keep(service: Name, containers: readonly string[]): void;
  /** Resolves once it may be started: under the fence here and in the ingress, which outlives the agent. Throws while contact is lost. */
  admit(service: Name, container: string, signal: AbortSignal): Promise<void>;
}
