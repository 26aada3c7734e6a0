// What the server shows under `status`: computed when an object is read, never stored. Pure types.
import type { Condition, NodeName } from "./resource.ts";

export interface ConditionsStatus {
  readonly conditions: readonly Condition[];
}

export interface InstanceStatus {
  /** `jellyfin-k3f9` */
  readonly name: string;
  readonly id: string;
  readonly node: NodeName;
  readonly ready: boolean;
  /** `Running`, or the reason of its worst condition. */
  readonly reason: string;
  readonly message: string;
  readonly revision: string;
  readonly generation: number;
  readonly containers: readonly {
    readonly name: string;
    readonly id?: string;
    readonly image: string;
    readonly state: string;
    readonly health: string;
    readonly restarts: number;
    readonly address?: string;
    readonly startedAt?: string;
  }[];
}

/** Why a node may or may not run the Service: one line for each node, in the words of `describe`. */
export interface PlacementReason {
  readonly node: NodeName;
  readonly fits: boolean;
  readonly chosen: boolean;
  readonly reason: string;
}

export interface ServiceStatus extends ConditionsStatus {
  /** `1/1` */
  readonly ready: string;
  readonly replicas: number;
  readonly readyReplicas: number;
  readonly nodes: readonly NodeName[];
  readonly url?: string;
  readonly instances: readonly InstanceStatus[];
  readonly placement: readonly PlacementReason[];
  readonly rollout?: { readonly target: string; readonly updated: number; readonly message: string };
}

export interface RouteStatus extends ConditionsStatus {
  readonly url?: string;
  /** `1/1 (nas:8096)` */
  readonly backends: string;
}

export interface DnsRecordStatus extends ConditionsStatus {
  readonly fqdn: string;
  readonly answers: readonly string[];
}

export interface MembershipStatus extends ConditionsStatus {
  readonly role: string;
  readonly nodeId?: string;
  readonly address?: string;
  readonly cpus?: number;
  readonly memoryBytes?: number;
  readonly diskBytes?: number;
  readonly devices: readonly string[];
  readonly version?: string;
}

export interface HouseStatus extends ConditionsStatus {
  readonly clusterId?: string;
  readonly nodes: number;
  readonly readyNodes: number;
}

export type AnyStatus = ServiceStatus | RouteStatus | DnsRecordStatus | MembershipStatus | HouseStatus;
