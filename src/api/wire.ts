// What travels between the server and its clients besides objects: one shape for errors, lists, watch lines, applies, logs. Pure types.
import type { Computer, HouseComputers, JoiningReport } from "./computers.ts";
import type { Problem } from "./problem.ts";
import type { AnyResource, Condition, Kind, Name, NodeName } from "./resource.ts";
import type { AnyStatus, InstanceStatus } from "./status.ts";
import type { IngressStatus } from "./table.ts";
import type { NodeTraffic } from "./traffic.ts";

export type StatusReason =
  | "BadRequest" // 400
  | "Unauthorized" // 401
  | "Forbidden" // 403
  | "NotFound" // 404
  | "Conflict" // 409
  | "ManagedElsewhere" // 409
  | "Expired" // 410: list again
  | "TooLarge" // 413
  | "Invalid" // 422
  | "TooManyRequests" // 429
  | "InternalError" // 500
  | "NoHouse" // 503: this node belongs to none yet
  | "Unreachable" // 503: the node that could answer does not
  | "NoQuorum" // 503
  | "StoreFull"; // 507

/** Every answer that is no success. */
export interface ErrorStatus {
  readonly kind: "Status";
  readonly reason: StatusReason;
  readonly code: number;
  readonly message: string;
  /** The next command to type. */
  readonly next?: string;
  readonly details?: { readonly causes: readonly Problem[] };
}

/** One running copy of a Service, as an object of its own: read-only. */
export interface InstanceObject {
  readonly apiVersion: string;
  readonly kind: "Instance";
  readonly metadata: {
    readonly name: Name;
    readonly labels?: Readonly<Record<string, string>>;
    readonly owner: string;
    readonly resourceVersion: string;
    readonly creationTimestamp: string;
  };
  readonly spec: { readonly service: Name; readonly node: NodeName };
  readonly status: InstanceStatus & { readonly conditions: readonly Condition[] };
}

/** Something that happened: read-only. */
export interface EventObject {
  readonly apiVersion: string;
  readonly kind: "Event";
  readonly metadata: { readonly name: string; readonly resourceVersion: string; readonly creationTimestamp: string };
  readonly spec: {
    readonly object: string;
    readonly type: "Normal" | "Warning";
    readonly reason: string;
    readonly message: string;
    readonly node: NodeName;
  };
}

export type ServedResource = AnyResource & { readonly status?: AnyStatus };
export type ServedObject = ServedResource | InstanceObject | EventObject;
export type ServedKind = Kind | "Instance" | "Event";

export interface ObjectList {
  readonly apiVersion: string;
  readonly kind: `${ServedKind}List`;
  /** `continue`: pass it on to get the next page. */
  readonly metadata: { readonly revision: number; readonly continue?: string; readonly stale?: boolean };
  readonly items: readonly ServedObject[];
}

/** A pull that runs, for people who wait; at most one a second. */
export interface PullReport {
  readonly service: Name;
  readonly image: string;
  readonly node: NodeName;
  readonly doneBytes: number;
  readonly totalBytes: number;
  readonly layers: number;
}

/** One line of a watch. A change of status alone is MODIFIED with the same resourceVersion. */
export type WatchLine =
  | { readonly type: "ADDED" | "MODIFIED" | "DELETED"; readonly revision: number; readonly object: ServedObject }
  | { readonly type: "BOOKMARK"; readonly revision: number; readonly stale?: boolean }
  | { readonly type: "PROGRESS"; readonly revision: number; readonly pulls: readonly PullReport[] }
  | { readonly type: "ERROR"; readonly status: ErrorStatus };

/** The body of `PATCH /api/v1` as `application/apply+json`: several files that are applied all or none. */
export interface ApplyRequest {
  readonly files: readonly { readonly file: string; readonly text: string }[];
  /** Contents of what `files[].source` names, by that path: the server cannot read the client's files. */
  readonly sources?: Readonly<Record<string, string>>;
}

export type ApplyAction = "created" | "configured" | "unchanged";

export interface ApplyResult {
  readonly kind: Kind;
  readonly name: Name;
  readonly action: ApplyAction;
  readonly generation: number;
  /** What a person should know: this is root on that machine, it shadows a derived object. */
  readonly warnings: readonly string[];
  /** With `dryRun`: the object as it would be stored. */
  readonly object?: AnyResource;
}

export interface ApplyAnswer {
  readonly kind: "ApplyResult";
  readonly dryRun: boolean;
  readonly revision: number;
  readonly results: readonly ApplyResult[];
  /** With `prune`: what the same manager applied with such labels, and what is in none of the manifests. Nothing is deleted. */
  readonly orphans?: readonly { readonly kind: Kind; readonly name: Name }[];
}

export interface DeleteAnswer {
  readonly kind: "DeleteResult";
  readonly deleted: readonly { readonly kind: Kind; readonly name: Name }[];
  /** Derived objects that go with it, as `route/jellyfin`. */
  readonly goes: readonly string[];
  /** What is kept, as sentences. */
  readonly stays: readonly string[];
}

/** All that `describe` tells of one object. */
export interface Description {
  readonly kind: "Description";
  readonly object: ServedObject;
  /** Derived objects and theirs. */
  readonly children: readonly ServedObject[];
  /** The newest last. */
  readonly events: readonly EventObject[];
  /** What this node would do next, as sentences. */
  readonly planned: readonly string[];
  readonly pulls: readonly PullReport[];
  /** Of a Route: what each node's ingress has counted of it. */
  readonly traffic?: readonly NodeTraffic[];
  /** Of a node of the house. */
  readonly computer?: Computer;
}

export interface HouseProblem {
  readonly severity: "error" | "warning";
  readonly message: string;
  /** The next command to type, or what to do. */
  readonly next: string;
}

export interface HouseSummary {
  readonly kind: "HouseSummary";
  readonly node: NodeName;
  /** This node has a fresh copy of the store and its own record is there. */
  readonly ready: boolean;
  readonly zone: string;
  readonly version: string;
  readonly nodes: { readonly total: number; readonly ready: number };
  readonly services: { readonly total: number; readonly ready: number };
  readonly store: { readonly quorum: boolean; readonly version: string; readonly bytes: number };
  readonly problems: readonly HouseProblem[];
  /** Where this node's ingress answers; absent while there is none. */
  readonly listeners?: IngressStatus["listeners"];
  /** Absent while this computer belongs to no house. */
  readonly house?: HouseComputers;
  /** While it is on its way into one. */
  readonly joining?: JoiningReport;
}

export interface VersionAnswer {
  readonly kind: "Version";
  readonly node: NodeName;
  readonly version: string;
  readonly store: string;
}

/** What a log stream says besides its lines: whose are missing, and since when they are not. */
export interface LogNote {
  readonly type: "NOTE";
  readonly message: string;
}

/** Said once to who follows: all that was printed before is told. */
export interface LogLive {
  readonly type: "LIVE";
}

/** One line of a log stream. */
export interface LogLine {
  readonly instance: string;
  readonly container: string;
  readonly node: NodeName;
  readonly stream: "stdout" | "stderr";
  /** RFC 3339 with nanoseconds, Docker's. */
  readonly time: string;
  readonly text: string;
}
