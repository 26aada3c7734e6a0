// Reads from the mirror what a DnsRecord needs: the nodes that lead into the house, and where the app of its name runs.
import { children, hostOf } from "../../src/api/children.ts";
import { readyInstances } from "../../src/api/endpoints.ts";
import type { Name, NodeName, Resource } from "../../src/api/resource.ts";
import type { DecidedMembership, DecidedService, ObservedRoute, ObservedService } from "../../src/api/state.ts";
import type { Index, Mirror } from "../../src/engine/contract.ts";
import { bucketOf, wantSame } from "./conflict.ts";
import type { NodeFacts } from "./facts.ts";

const ZONE_DEFAULT = "home.internal";
const HTTP_PORT = 80;

const byBucket: Index = { kind: "DnsRecord", room: "desired", keys: ({ spec }: Resource<"DnsRecord">) => [bucketOf(spec)] };

/** Routes by what the records of their names have in common. */
const routesByBucket: Index = { kind: "Route", room: "desired", keys: (route: Resource<"Route">) => [bucketOf({ name: hostOf(route) })] };

/** The Service that a derived record's Route leads to; a record of its own leads nowhere. */
const routesByService: Index = {
  kind: "Route",
  room: "desired",
  keys: ({ spec }: Resource<"Route">) => ("service" in spec.to ? [spec.to.service] : []),
};

export function zoneOf(mirror: Mirror): string {
  return mirror.desired("House", "house")?.spec.zone ?? ZONE_DEFAULT;
}

/** The records that follow from a Service's Routes: they have the name of the Route, or of the Service. */
export function recordsOf(service: Name, mirror: Mirror): readonly Name[] {
  const names = [service, ...(mirror.index(routesByService).get(service) ?? [])];
  return names.filter((name) => mirror.desired("DnsRecord", name) !== undefined);
}

/** Those whose name may be a Route's. */
export function recordsNear(route: Resource<"Route">, mirror: Mirror): readonly Name[] {
  return [...(mirror.index(byBucket).get(bucketOf({ name: hostOf(route) })) ?? [])];
}

/** Other records that want the same, and those that want the same as these. */
export function rivalsOf(record: Resource<"DnsRecord">, mirror: Mirror): readonly Resource<"DnsRecord">[] {
  const zone = zoneOf(mirror);
  const names = [...(mirror.index(byBucket).get(bucketOf(record.spec)) ?? [])].filter((name) => name !== record.metadata.name);
  const others = names.sort().flatMap((name) => mirror.desired("DnsRecord", name) ?? []);
  const direct = others.filter(({ spec }) => wantSame(record.spec, spec, zone));
  return others.filter((other) => direct.includes(other) || direct.some(({ spec }) => wantSame(spec, other.spec, zone)));
}

/** This node, for whoever asks it has found it, and the others; not one that is left, while there is another. */
export function waysIn(own: NodeFacts, mirror: Mirror): readonly NodeFacts[] {
  const others = nodeFacts(mirror).filter(({ name }) => name !== own.name);
  return isLeft(own.name, mirror) && others.some(({ name }) => !isLeft(name, mirror)) ? others : [own, ...others];
}

/** Nodes that announce themselves and are not Down; those that are left only where there is no other. */
export function nodeFacts(mirror: Mirror): readonly NodeFacts[] {
  const alive = [...mirror.nodes()].filter(([name]) => mirror.decided<DecidedMembership>("Membership", name)?.value.state !== "Down");
  const staying = alive.filter(([name]) => !isLeft(name, mirror));
  return (staying.length > 0 ? staying : alive).map(([name, { value }]) => ({ name, holdsPort: value.ports.http === HTTP_PORT }));
}

/** A name without pages leads to the nodes whose raw ports nobody else has; nobody asks it for port 80. */
export function withRawPorts(nodes: readonly NodeFacts[], record: Resource<"DnsRecord">, mirror: Mirror): readonly NodeFacts[] {
  const routes = routesOf(record, mirror);
  if (routes.length === 0 || routes.some(({ spec }) => spec.listen === undefined && spec.tls === undefined)) return nodes;
  const observed = routes.flatMap(({ metadata }) => [...mirror.observed<ObservedRoute>("Route", metadata.name)]);
  const isBusy = ({ conditions }: ObservedRoute): boolean =>
    conditions.some(({ type, status }) => type === "PortsHeld" && status === "False");
  const busy = new Set(observed.filter(([, { value }]) => isBusy(value)).map(([node]) => node));
  return nodes.map(({ name }) => ({ name, holdsPort: !busy.has(name) }));
}

/** All that have the record's name, of one Service or of several. */
function routesOf({ spec }: Resource<"DnsRecord">, mirror: Mirror): readonly Resource<"Route">[] {
  const zone = zoneOf(mirror);
  const routes = [...(mirror.index(routesByBucket).get(bucketOf(spec)) ?? [])].flatMap((name) => mirror.desired("Route", name) ?? []);
  return routes.filter((route) => children(route, zone).some((each) => each.kind === "DnsRecord" && wantSame(each.spec, spec, zone)));
}

/** It is drained, about to stop, or being removed, when its Membership goes first: soon nobody answers there. */
function isLeft(node: NodeName, mirror: Mirror): boolean {
  const membership = mirror.desired("Membership", node);
  return mirror.nodes().get(node)?.value.goes !== undefined || membership === undefined || membership.spec.drain === true;
}

export function holdsHttp(listeners: readonly { readonly protocol: string; readonly port: number }[] | undefined): boolean {
  return listeners?.some(({ protocol, port }) => protocol === "http" && port === HTTP_PORT) ?? false;
}

export function hostsOf(record: Resource<"DnsRecord">, mirror: Mirror): readonly NodeName[] {
  const [kind, route] = record.metadata.owner?.split("/") ?? [];
  const to = kind === "Route" && route !== undefined ? mirror.desired("Route", route)?.spec.to : undefined;
  if (to === undefined || !("service" in to)) return [];
  const observed = [...mirror.observed<ObservedService>("Service", to.service)].map(([node, { value }]) => [node, value] as const);
  const ready = readyInstances(mirror.decided<DecidedService>("Service", to.service)?.value, observed);
  return [...new Set(ready.map(({ node }) => node))].sort();
}
