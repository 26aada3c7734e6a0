// Reads from the mirror what a Route needs: the Service that it leads to, and the Routes that want the same.
import { readyInstances } from "../../src/api/endpoints.ts";
import type { Name, Resource } from "../../src/api/resource.ts";
import type { DecidedService, ObservedService } from "../../src/api/state.ts";
import type { Index, Mirror } from "../../src/engine/contract.ts";
import { bucketsOf, wantSame } from "./conflict.ts";
import type { Target, WhyNowhere } from "./facts.ts";

const byService: Index = {
  kind: "Route",
  room: "desired",
  keys: ({ spec }: Resource<"Route">) => ("service" in spec.to ? [spec.to.service] : []),
};

const byBucket: Index = { kind: "Route", room: "desired", keys: ({ spec }: Resource<"Route">) => bucketsOf(spec) };

const ZONE_DEFAULT = "home.internal";

export function zoneOf(mirror: Mirror): string {
  return mirror.desired("House", "house")?.spec.zone ?? ZONE_DEFAULT;
}

export function routesTo(service: Name, mirror: Mirror): readonly Name[] {
  return [...(mirror.index(byService).get(service) ?? [])];
}

/** Other Routes that want the same, those that want the same as these, and so on: who has it depends on all of them. */
export function rivalsOf(route: Resource<"Route">, mirror: Mirror): readonly Resource<"Route">[] {
  const zone = zoneOf(mirror);
  const found = new Map([[route.metadata.name, route]]);
  // A Map goes on over what is added meanwhile.
  for (const [, each] of found) for (const rival of directRivals(each, zone, mirror)) found.set(rival.metadata.name, rival);
  found.delete(route.metadata.name);
  return [...found.values()].sort((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

function directRivals(route: Resource<"Route">, zone: string, mirror: Mirror): readonly Resource<"Route">[] {
  const index = mirror.index(byBucket);
  const names = new Set(bucketsOf(route.spec).flatMap((bucket) => [...(index.get(bucket) ?? [])]));
  names.delete(route.metadata.name);
  return [...names].flatMap((name) => mirror.desired("Route", name) ?? []).filter(({ spec }) => wantSame(route.spec, spec, zone));
}

/** Undefined: it leads to something that is no Service. */
export function targetOf({ spec }: Resource<"Route">, mirror: Mirror, whyNowhere: WhyNowhere): Target | undefined {
  if (!("service" in spec.to)) return undefined;
  const name = spec.to.service;
  const decided = mirror.decided<DecidedService>("Service", name)?.value;
  const observed = [...mirror.observed<ObservedService>("Service", name)].map(([node, { value }]) => [node, value] as const);
  const placed = new Set(decided?.instances.map(({ id }) => id));
  const told = observed.flatMap(([, { instances }]) => instances).filter(({ id }) => placed.has(id));
  return {
    service: mirror.desired("Service", name),
    ready: readyInstances(decided, observed),
    // What a node that is Down observed does not count: somebody must say so in its place.
    problem: told.flatMap(({ conditions }) => conditions)[0] ?? (told.length === 0 ? whyNowhere(name, mirror) : undefined),
    placed: placed.size,
  };
}
