// What the plan of the House looks at.
import type { ReadyInstance } from "../../src/api/endpoints.ts";
import type { Condition, Name, Resource } from "../../src/api/resource.ts";
import type { Table } from "../../src/api/table.ts";

export type HouseRows = Pick<Table, "resolver">;

export interface HouseFacts {
  /** What the ingress was last handed. */
  readonly held: HouseRows | undefined;
  readonly resolver: ResolverFacts;
  /** What this node last reported of the House. */
  readonly reported: readonly Condition[];
}

export interface ResolverFacts {
  /** The host's own name servers. */
  readonly hostServers: readonly string[];
  /** Of all nodes, and of the apps' bridge. */
  readonly houseAddresses: readonly string[];
  /** Where this node's ingress answers. */
  readonly dnsListeners: readonly { readonly address: string; readonly port: number }[];
  /** The Services that are named as upstreams. */
  readonly apps: Readonly<Record<Name, App>>;
}

export interface App {
  readonly service: Resource<"Service"> | undefined;
  /** Those of this node first. */
  readonly ready: readonly ReadyInstance[];
}
