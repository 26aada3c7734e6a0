// What would become of the apps of a computer that is drained or lost, as the plans themselves say. Pure types.
import type { Name, NodeName } from "./resource.ts";

export interface InstanceMove {
  readonly service: Name;
  /** `jellyfin-k3f9` */
  readonly instance: string;
  readonly from: NodeName;
  /** Absent: it stays where it is. */
  readonly to?: NodeName;
  /** Why there; or why not elsewhere. */
  readonly why: string;
  /** Two at once would do harm: it stops before the other starts. */
  readonly stopsFirst: boolean;
  /** How many other instances of the Service are ready on nodes that stay. */
  readonly others: number;
  /** After the death of its node it is waited for so long before another takes its place, ms. */
  readonly afterMs: number;
  readonly url?: string;
  /** Of the one that has taken its place but is not ready: a clause. */
  readonly state?: string;
}

/** `GET /api/v1/nodes/NAME/moves` */
export interface MovesAnswer {
  readonly kind: "Moves";
  readonly node: NodeName;
  /** It is drained already: this is what is left to do. */
  readonly drained: boolean;
  readonly moves: readonly InstanceMove[];
  readonly stays: readonly InstanceMove[];
  /** Instances that are there no more by decision, and still stop. */
  readonly stopping: readonly string[];
}

/** `POST /api/v1/stopping` */
export interface HandedOver {
  readonly kind: "HandedOver";
  /** Instances that could move and have not, when the time was over. */
  readonly left: readonly string[];
  /** That cannot move. */
  readonly stays: readonly string[];
  /** It still leads the store. */
  readonly leads: boolean;
  /** The house decided nothing when the time was over, so what is left is not known. */
  readonly undecided?: true;
}

/** `GET /api/v1/nodes/NAME/drill`: what would be, if that computer lost its power now. */
export interface DrillAnswer {
  readonly kind: "Drill";
  readonly node: NodeName;
  /** Every app goes on by itself, and the store keeps its quorum. */
  readonly survives: boolean;
  /** In one line. */
  readonly answer: string;
  readonly store: { readonly keepsQuorum: boolean; readonly message: string };
  /** `awayMs`: about how long nobody answers for it. */
  readonly moves: readonly (InstanceMove & { readonly awayMs: number })[];
  /** They wait for their computer; under their names a page says so. */
  readonly waits: readonly InstanceMove[];
  /** On an address that only that computer has: there nobody answers until it is back, wherever the app runs. */
  readonly bound: readonly BoundPort[];
}

export interface BoundPort {
  /** `service/minecraft`, `route/mqtt` */
  readonly name: string;
  /** `192.168.1.10:25565/tcp` */
  readonly at: string;
}

/** `GET /api/v1/rebalance`: what would move; `POST` with these moves: what does. */
export interface RebalanceAnswer {
  readonly kind: "Rebalance";
  readonly moves: readonly InstanceMove[];
}
