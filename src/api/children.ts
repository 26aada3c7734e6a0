// What follows from an object without being stored: a Service's Routes, a Route's DnsRecord. The same on every node, so nobody has
// to write or delete them; an applied object of the same name takes a child's place. Pure.
import { hashTail, joinLabel } from "./names.ts";
import type { AnyResource, Metadata, Name, Resource } from "./resource.ts";
import { API_VERSION } from "./resource.ts";
import type { DnsRecordSpec, Listen, RouteSpec, ServiceRoute, ServiceSpec } from "./types.ts";

/** An app that moves must not be looked for at its old node for longer than this. */
const DERIVED_TTL = "5s";

/** The direct children of a resource, with `metadata.owner`; `zone` is the House's. */
export function children(resource: AnyResource, zone: string): readonly AnyResource[] {
  switch (resource.kind) {
    case "Service":
      return routesOf(resource);
    case "Route":
      return recordsOf(resource, zone);
    case "DnsRecord":
    case "Membership":
    case "House":
      return [];
  }
}

/** Children of several owners that would all be called as `first`: under names of their own, but for those that say the same. */
export function renamedBeside(first: AnyResource, others: readonly AnyResource[]): readonly AnyResource[] {
  const byName = new Map<Name, AnyResource>();
  for (const child of others) {
    const own = toldApartBy(child);
    if (own === toldApartBy(first)) continue;
    const name = joinLabel(child.metadata.name, hashTail(own));
    if (!byName.has(name)) byName.set(name, { ...child, metadata: { ...child.metadata, name } });
  }
  return [...byName.values()];
}

/** It lasts when the child's other fields change. */
function toldApartBy({ kind, metadata, spec }: AnyResource): string {
  return kind === "DnsRecord" ? spec.name : `${metadata.owner}`;
}

function routesOf(service: Resource<"Service">): readonly Resource<"Route">[] {
  const { name } = service.metadata;
  const wanted = [
    ...httpRoutes(name, service.spec).map((route) => httpRoute(name, route)),
    ...(service.spec.listen ?? []).map((listen) => listenRoute(name, listen)),
  ];
  // By the wish, not by its place in the list: a route keeps its name when another one is written before it.
  const first = new Map(wanted.toSorted((a, b) => (a.wish < b.wish ? 1 : -1)).map((each) => [each.name, each.wish]));
  return wanted.map(({ name: plain, wish, spec }) => {
    const route = first.get(plain) === wish ? plain : joinLabel(plain, hashTail(wish));
    return { apiVersion: API_VERSION, kind: "Route", metadata: childMetadata(service, route), spec };
  });
}

interface Wanted {
  /** Two wishes may be called alike, such as the host `admin` and the path `/admin`. */
  readonly name: string;
  /** No other one of the Service has it; paths of the Service's own name come first. */
  readonly wish: string;
  readonly spec: RouteSpec;
}

function httpRoutes(name: string, spec: ServiceSpec): readonly ServiceRoute[] {
  if (spec.routes) return spec.routes;
  return spec.port ? [{ host: name, path: "/", port: spec.port }] : [];
}

function httpRoute(service: string, route: ServiceRoute): Wanted {
  const { host, path, port, ...options } = route;
  const parts = [service];
  if (host !== service) parts.push(host.replaceAll(".", "-"));
  if (path !== "/") parts.push(path.slice(1).replaceAll("/", "-"));
  const spec = { ...options, host, path, to: { service, container: port.container, port: port.port } };
  return { name: joinLabel(...parts), wish: host === service ? path : host + path, spec };
}

function listenRoute(service: string, listen: Listen): Wanted {
  const { container, targetPort, allow, proxyProtocol, idleTimeout, ...where } = listen;
  const { address, port, endPort, protocol } = where;
  const ports = endPort === undefined ? `${port}` : `${port}-${endPort}`;
  const spec: RouteSpec = {
    path: "/",
    listen: where,
    to: { service, container, port: targetPort },
    ...(allow && { allow }),
    ...(proxyProtocol && { proxyProtocol }),
    ...(idleTimeout && { idleTimeout }),
  };
  return {
    name: joinLabel(service, ...(address === undefined ? [] : [address.replace(/[.:]/g, "-")]), ports, protocol),
    wish: `listen ${ports}/${protocol} ${address ?? ""}`,
    spec,
  };
}

/** A Route for raw ports has no host of its own: its Service's name, or its own, leads to it. */
export function hostOf(route: Resource<"Route">): string {
  return route.spec.host ?? serviceOf(route) ?? route.metadata.name;
}

function recordsOf(route: Resource<"Route">, zone: string): readonly Resource<"DnsRecord">[] {
  const name = hostInZone(hostOf(route), zone);
  if (name === undefined) return [];
  const record = route.spec.host === undefined ? (serviceOf(route) ?? route.metadata.name) : route.metadata.name;
  const spec: DnsRecordSpec = { name, type: "A", ttl: DERIVED_TTL };
  return [{ apiVersion: API_VERSION, kind: "DnsRecord", metadata: childMetadata(route, record), spec }];
}

function serviceOf(route: Resource<"Route">): string | undefined {
  const [kind, name] = route.metadata.owner?.split("/") ?? [];
  return kind === "Service" ? name : undefined;
}

/** The host as a DnsRecord names it, undefined where another zone answers for it. */
function hostInZone(host: string, zone: string): string | undefined {
  if (!host.includes(".")) return host;
  if (host === zone) return `${zone}.`;
  return host.endsWith(`.${zone}`) ? host.slice(0, -zone.length - 1) : undefined;
}

function childMetadata(owner: AnyResource, name: string): Metadata {
  const { labels, uid, generation, resourceVersion, creationTimestamp } = owner.metadata;
  return {
    name,
    ...(labels && { labels }),
    uid,
    generation,
    resourceVersion,
    creationTimestamp,
    owner: `${owner.kind}/${owner.metadata.name}`,
  };
}
