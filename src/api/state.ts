// What the house decided and what its nodes observed: the values below decided/, observed/ and nodes/. Pure types.
import type { Condition, Kind, Name, NodeName } from "./resource.ts";
import type { ServiceSpec } from "./types.ts";

/** One copy of a Service, decided to run on one node. */
export interface DecidedInstance {
  /** Four characters of base32, unique within the Service for ever: `jellyfin-k3f9`. */
  readonly id: string;
  readonly node: NodeName;
  /** Key into `DecidedService.revisions`. */
  readonly revision: string;
  /** The generation that it was made for: an update is judged by what was made for it. */
  readonly generation: number;
  /** Why here, in one sentence: shown by `describe` and `explain placement`. */
  readonly why: string;
  /** A person wants it to be there instead: another one takes its place, as far as it fits there. */
  readonly to?: NodeName;
}

/** A spec that some instance runs, or the previous one that a rollback would return to. */
export interface ServiceRevision {
  readonly generation: number;
  readonly spec: ServiceSpec;
}

/** `decided/Service/<name>`: by compare-and-swap, one winner. Nodes carry out this alone, never `desired`. */
export interface DecidedService {
  /** The Service's uid: a Service deleted and made again is another one. */
  readonly uid: string;
  /** Grows by one with each instance ever placed; instance ids derive from it. */
  readonly serial: number;
  readonly instances: readonly DecidedInstance[];
  /** By spec hash: of the target, of the last one that was good, and of whatever still runs. */
  readonly revisions: Readonly<Record<string, ServiceRevision>>;
  /** The revision that instances should come to run. */
  readonly target: string;
  /** The last revision all of whose instances were ready through `monitor`. */
  readonly good?: string;
  /** Set when an update failed and was rolled back or stopped: this generation is not tried again. */
  readonly failed?: { readonly generation: number; readonly revision: string; readonly reason: string; readonly message: string };
  /** The Volumes that its containers mount, as `decided/Volume/<name>` has them: they pin the instances to their node. */
  readonly volumes?: Readonly<Record<Name, DecidedVolume>>;
  /** Volumes that its mounts are called as and that other Services made, with whose each is: it is placed nowhere while there are any. */
  readonly takenVolumes?: Readonly<Record<Name, Name>>;
}

/** `decided/Volume/<name>`: where a local Volume lies. It outlives the Services that use it. */
export interface DecidedVolume {
  readonly node: NodeName;
  readonly uid: string;
  /** Its directory was there once: a missing one is a loss, and must not be replaced by an empty one. */
  readonly made: boolean;
  /** The Service whose own it is. Absent: Services share it, or an earlier release recorded it and nobody has claimed it since. */
  readonly owner?: Name;
}

export type ContainerPhase = "waiting" | "pulling" | "created" | "running" | "restarting" | "exited" | "removing";

/** One container of one instance, as its node sees it. */
export interface ObservedContainer {
  readonly name: string;
  readonly phase: ContainerPhase;
  /** Docker's id; absent before it is made. */
  readonly id?: string;
  readonly health: "none" | "starting" | "healthy" | "unhealthy";
  /** The last lines of a failing check, or why it waits. */
  readonly detail?: string;
  readonly exitCode?: number;
  readonly outOfMemory?: boolean;
  readonly restarts: number;
  /** RFC 3339, Docker's. */
  readonly startedAt?: string;
  /** `sha256:...` of the image that runs, for people and for clean-up. */
  readonly imageId?: string;
  readonly digest?: string;
  /** Folders in which it keeps data that no volume holds. */
  readonly unheld?: readonly string[];
}

export interface ObservedInstance {
  readonly id: string;
  readonly revision: string;
  /** All its containers are up and healthy (and `run: once` ones ended with 0). */
  readonly ready: boolean;
  /** Fixed IPv4 by container name, as the node's own ingress reaches them. Host network: the node's address. */
  readonly addresses: Readonly<Record<string, string>>;
  /** By container name, where the engine's network is remote: ports inside (`80/tcp`) to ports on the node's 127.0.0.1. */
  readonly published?: Readonly<Record<string, Readonly<Record<string, number>>>>;
  readonly containers: readonly ObservedContainer[];
  /** Its node kills it by itself when it loses contact: then, and only then, another one may start it in its place. */
  readonly fenced?: true;
  /** What a person should act on: ImagePullFailed, CrashLoop, HostPathMissing, DiskFull ... */
  readonly conditions: readonly Condition[];
}

/** `observed/Service/<name>/<node>`: counts while the node is not Down and announced this `bootId`. */
export interface ObservedService {
  readonly bootId: string;
  readonly instances: readonly ObservedInstance[];
  /** Images that this node pulled for the Service and has not removed since. */
  readonly pulled?: readonly string[];
}

/** `decided/Membership/<node>`: only the node itself clears it. */
export interface DecidedMembership {
  readonly state: "Up" | "Down";
  readonly by?: NodeName;
  /** RFC 3339, for people. */
  readonly since?: string;
}

/** `observed/Membership/<node>/<node>`, and Route and DnsRecord alike: the conditions that this node adds. */
export interface ObservedConditions {
  readonly bootId: string;
  readonly conditions: readonly Condition[];
}

export type ObservedMembership = ObservedConditions;
export type ObservedRoute = ObservedConditions;

/** A device class that a node offers, and what it stands for there. */
export interface AdvertisedDevice {
  /** `gpu`, `gpu/dri`, `gpu/nvidia`, `zigbee`, `/dev/serial/by-id/...`. */
  readonly class: string;
  /** Host paths, e.g. `/dev/dri/renderD128`; empty where a runtime does it (nvidia). */
  readonly paths: readonly string[];
  /** Numeric ids of the groups that own the paths. */
  readonly groups: readonly number[];
}

/** `nodes/<node>`, under the node's lease. */
export interface NodeRecord {
  /** 16 characters of base32: SHA-256 of the node's public key. */
  readonly nodeId: string;
  /** New at each boot of the machine or start with an empty memory of containers. */
  readonly bootId: string;
  readonly addresses: { readonly lan: readonly string[]; readonly tailnet: readonly string[] };
  /** `amd64`, `arm64`. */
  readonly arch: string;
  readonly os: string;
  readonly cpus: number;
  readonly memoryBytes: number;
  /** Of the disk that Fossora keeps its things on. */
  readonly diskBytes: number;
  /** In large steps, for it changes all the time; absent: an older release does not say. */
  readonly diskFreeBytes?: number;
  readonly devices: readonly AdvertisedDevice[];
  /** It votes and runs no apps, as `up --witness` says. */
  readonly witness?: boolean;
  /** It hands its apps over: it is about to shut down or to sleep, or it leaves the house. */
  readonly goes?: "away" | "for good";
  /** Its part in the store; absent while it is not known. */
  readonly role?: "voter" | "standby" | "worker";
  /** Its containers cannot be dialled by address: the engine is rootless, or in a VM. */
  readonly remoteNetwork?: boolean;
  readonly versions: { readonly fossora: string; readonly docker: string; readonly dockerApi: string; readonly etcd: string };
  /** Ports that this node's ingress really holds: `http` 80 unless it was busy; `mesh` for the ingresses of other nodes. */
  readonly ports: { readonly http?: number; readonly dns?: number; readonly mesh?: number };
  /** Addresses on LANs at which its ingress can announce names by mDNS; absent: an earlier release does not say. */
  readonly announces?: readonly string[];
}

/** `events/<node>/<id>`, kept for 24 h and until that node writes its next one: best effort, for people, never read by a controller. Ids sort by time. */
export interface EventRecord {
  readonly kind: Kind;
  readonly name: Name;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
  readonly node: NodeName;
  /** RFC 3339. */
  readonly time: string;
}
