// What the server needs of its agent. Types only; the agent's mirror fits `ObjectReader` as it is.
import type {
  HouseComputers,
  InviteAnswer,
  JoiningReport,
  JoinWish,
  LeaveAnswer,
  ReplaceAnswer,
  WaitingComputer,
} from "../api/computers.ts";
import type { Duplex } from "node:stream";
import type { HandedOver, InstanceMove } from "../api/moves.ts";
import type { Kind, Name, NodeName, Resource } from "../api/resource.ts";
import type { IngressStatus } from "../api/table.ts";
import type { Containers } from "../container-ports.ts";
import type { NodeRecord } from "../api/state.ts";
import type { NodeLoad } from "../api/load.ts";
import type { TakeoverReport } from "../api/takeover.ts";
import type { TrafficReport } from "../api/traffic.ts";
import type { Clock, Compare, EngineCounts, Identity, Log, StatusReader, Store, Write } from "../ports.ts";

export interface ObjectChange {
  readonly room: "desired" | "decided" | "observed" | "node";
  readonly kind?: Kind;
  readonly name: Name;
  readonly node?: NodeName;
}

/** This node's copy of the store, derived children included. */
export interface ObjectReader {
  /** False: what is read may be old, for the store does not answer. */
  readonly fresh: boolean;
  readonly revision: number;
  desired<K extends Kind>(kind: K, name: Name): Resource<K> | undefined;
  all<K extends Kind>(kind: K): Iterable<Resource<K>>;
  /** Nodes that announce themselves. */
  nodes(): ReadonlyMap<NodeName, { readonly value: NodeRecord }>;
  /** Calls after each batch of changes; answers the function that ends it. */
  subscribe(listener: (changes: readonly ObjectChange[]) => void): () => void;
}

/** The computers of the house and the ways into it. Whatever cannot be done is thrown as an ApiError that says why and what to type. */
export interface HouseControl {
  invite(signal: AbortSignal): Promise<InviteAnswer>;
  waiting(signal: AbortSignal): Promise<readonly WaitingComputer[]>;
  /** By name, node id or six words. */
  approve(typed: string, signal: AbortSignal): Promise<WaitingComputer>;
  /** One that waits is told no, and is not asked about again for a while. */
  reject(typed: string, signal: AbortSignal): Promise<WaitingComputer>;
  /** Kept on disk until it is fulfilled. */
  join(wish: JoinWish, signal: AbortSignal): Promise<void>;
  /** Answers when this computer belongs to no house. `force`: also to one that does not answer. */
  leave(options: { readonly confirm?: string; readonly force?: boolean }, signal: AbortSignal): Promise<LeaveAnswer>;
  /** This machine is about to stop: answers when its apps are handed over, or the time is over. */
  handOver(withinMs: number, signal: AbortSignal): Promise<HandedOver>;
  /** It goes on after all. */
  stay(): void;
  joining(): JoiningReport;
  /** Undefined: this computer belongs to no house. */
  computers(signal: AbortSignal): Promise<HouseComputers | undefined>;
  /** What has to be written besides, so that the node of that name belongs to the house no more. */
  removal(name: NodeName, signal: AbortSignal): Promise<{ readonly compare: readonly Compare[]; readonly writes: readonly Write[] }>;
  /** `newcomer` takes the place of `former`; absent: the one that looks like it. */
  replace(names: { readonly former: NodeName; readonly newcomer?: string }, signal: AbortSignal): Promise<ReplaceAnswer>;
}

/** Going on with the house on this computer alone. */
export interface TakeoverControl {
  look(options: { readonly ignoresAddress: boolean }): Promise<TakeoverReport>;
  /** Whoever calls has looked. Answers the new epoch. Throws UserError, and then nothing has changed. */
  take(): Promise<number>;
}

/** The agents of the house's other nodes, asked over port 733. */
export interface Peers {
  /** Of all, whether they answer or not. */
  names(): readonly NodeName[];
  /** Throws MeshUnreachable, or MeshRefusal with the other's no. */
  ask(node: NodeName, method: string, body: unknown, signal: AbortSignal): Promise<unknown>;
  /** An answer and the bytes behind it, which are paused and the caller's to end. Throws as `ask` does. `signal`: until the answer. */
  stream(node: NodeName, method: string, body: unknown, signal: AbortSignal): Promise<{ readonly answer: unknown; readonly bytes: Duplex }>;
}

/** What there is as long as the agent runs, whether its node belongs to a house or not. */
export interface NodePorts {
  /** Absent where the node cannot be more than a house of one. */
  readonly house?: HouseControl;
  readonly identity: Identity;
  readonly clock: Clock;
  readonly log: Log;
  /** Fossora's own. */
  readonly version: string;
  /** Since the start of this machine, ms. */
  bootedMs(): number;
  /** One sentence: why this node belongs to no house yet. */
  outside(): string;
  /** Why other computers cannot reach this node, and what to do about it; undefined: they can. */
  unreachable(): { readonly why: string; readonly next: string } | undefined;
  /** What this node's ingress listens on; undefined until it has said so. */
  listeners(): IngressStatus["listeners"] | undefined;
  /** Undefined while it is off, or not known. */
  accessLog(): IngressStatus["accessLog"];
  /** This node's ingress, asked when somebody asks us. */
  readonly ingress: {
    status(signal: AbortSignal): Promise<IngressStatus>;
    traffic(signal: AbortSignal): Promise<TrafficReport>;
    metrics(signal: AbortSignal): Promise<string>;
  };
  readonly peers: Peers;
  /** This machine and Fossora's containers, measured now. */
  load(signal: AbortSignal): Promise<NodeLoad>;
  /** Of the ingresses of the house's other nodes. */
  trafficElsewhere(signal: AbortSignal): Promise<readonly NodeReport[]>;
}

/** What another node's ingress has counted, or why that is not known. */
export type NodeReport = { readonly node: NodeName } & ({ readonly report: TrafficReport } | { readonly unknown: string });

/** What would become of the apps, as the plans themselves say. */
export interface Foresight {
  /** Of what runs on the node: where it would move, and what would stay. */
  ifLeft(node: NodeName, how: "drained" | "stopping"): readonly InstanceMove[];
  ifLost(node: NodeName): readonly InstanceMove[];
  /** What would move so that the nodes are loaded more evenly. */
  evenly(): readonly InstanceMove[];
  /** Instances that the node should run no more and still does; `holdsUp`: another may not start before. */
  stoppingOn(node: NodeName): readonly { readonly instance: string; readonly holdsUp: boolean }[];
}

export interface Mover {
  /** False: it was decided otherwise meanwhile. */
  move(move: InstanceMove, signal: AbortSignal): Promise<boolean>;
}

/** What there is besides while the node belongs to a house. */
export interface ServerPorts extends NodePorts {
  /** Since the store last answered, in milliseconds; undefined: it answers. */
  copyAgeMs(): number | undefined;
  /** Why nothing can be written, a clause; and the next command to type. */
  whyNoQuorum(): { readonly reason: string; readonly next: string };
  /** Absent where the node cannot be more than a house of one. */
  readonly takeover?: TakeoverControl;
  readonly reader: ObjectReader;
  readonly statusReader: StatusReader;
  readonly foresight: Foresight;
  readonly mover: Mover;
  readonly store: Store;
  readonly containers: Containers;
  engine(): EngineCounts;
}
