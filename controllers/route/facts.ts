// What the plan of a Route looks at.
import type { ReadyInstance } from "../../src/api/endpoints.ts";
import type { Condition, Name, Resource } from "../../src/api/resource.ts";
import type { IngressStatus, LocalName, Table } from "../../src/api/table.ts";
import type { Mirror } from "../../src/engine/contract.ts";

export type RouteRows = Pick<Table, "http" | "streams">;

export interface RouteFacts {
  readonly name: Name;
  /** What the ingress was last handed for this name. */
  readonly held: RouteRows | undefined;
  readonly target: Target | undefined;
  readonly zone: string;
  /** Other Routes that want the same host and path, or the same port, or the same as one of these. */
  readonly rivals: readonly Resource<"Route">[];
  readonly listeners: IngressStatus["listeners"];
  /** Names on the LAN for which this node speaks. */
  readonly localNames: readonly LocalName[];
  /** What this node last reported of the Route. */
  readonly reported: readonly Condition[];
}

/** Why no node can take a Service, in the words of its own status. */
export type WhyNowhere = (service: Name, mirror: Mirror) => Condition | undefined;

/** The Service that the Route leads to. */
export interface Target {
  readonly service: Resource<"Service"> | undefined;
  readonly ready: readonly ReadyInstance[];
  /** Why nothing is ready, as the nodes say, or why none of them can take it. */
  readonly problem: Condition | undefined;
  readonly placed: number;
}
