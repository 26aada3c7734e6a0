// Reads from the mirror what a Route needs: the Service that it leads to, and the Routes that want the same.
import { readyInstances } from "../../src/api/endpoints.ts";
import type { Name, Resource } from "../../src/api/resource.ts";
import type { DecidedService, ObservedService } from "../../src/api/state.ts";
import type { Index, Mirror } from "../../src/engine/contract.ts";
import { claimsOf } from "./conflict.ts";
import type { Target } from "./facts.ts";

const byService: Index = {
  kind: "Route",
  room: "desired",
  keys: ({ spec }: Resource<"Route">) => ("service" in spec.to ? [spec.to.service] : []),
};

const byClaim: Index = { kind: "Route", room: "desired", keys: ({ spec }: Resource<"Route">) => claimsOf(spec) };

export function routesTo(service: Name, mirror: Mirror): readonly Name[] {
  return [...(mirror.index(byService).get(service) ?? [])];
}

export function rivalsOf(route: Resource<"Route">, mirror: Mirror): readonly Resource<"Route">[] {
  const index = mirror.index(byClaim);
  const names = new Set(claimsOf(route.spec).flatMap((claim) => [...(index.get(claim) ?? [])]));
  names.delete(route.metadata.name);
  return [...names].sort().flatMap((name) => mirror.desired("Route", name) ?? []);
}

/** Undefined: it leads to something that is no Service. */
export function targetOf({ spec }: Resource<"Route">, mirror: Mirror): Target | undefined {
  if (!("service" in spec.to)) return undefined;
  const name = spec.to.service;
  const decided = mirror.decided<DecidedService>("Service", name)?.value;
  const observed = [...mirror.observed<ObservedService>("Service", name)].map(([node, { value }]) => [node, value] as const);
  const placed = new Set(decided?.instances.map(({ id }) => id));
  const told = observed.flatMap(([, { instances }]) => instances).filter(({ id }) => placed.has(id));
  return {
    service: mirror.desired("Service", name),
    ready: readyInstances(decided, observed),
    problem: told.flatMap(({ conditions }) => conditions)[0],
    placed: placed.size,
  };
}
