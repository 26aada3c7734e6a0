// What follows from an object without being stored: a Service's Routes, a Route's DnsRecord. The same on every node, so nobody has
// to write or delete them; an applied object of the same name takes a child's place. Pure.
import { joinLabel } from "./names.ts";
import type { AnyResource, Metadata, Resource } from "./resource.ts";
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

function routesOf(service: Resource<"Service">): readonly Resource<"Route">[] {
  const { name } = service.metadata;
  const specs = new Map<string, RouteSpec>();
  for (const route of httpRoutes(name, service.spec)) specs.set(httpRouteName(name, route), httpRouteSpec(name, route));
  for (const listen of service.spec.listen ?? []) specs.set(listenRouteName(name, listen), listenRouteSpec(name, listen));
  return [...specs].map(([route, spec]) => ({ apiVersion: API_VERSION, kind: "Route", metadata: childMetadata(service, route), spec }));
}

function httpRoutes(name: string, spec: ServiceSpec): readonly ServiceRoute[] {
  if (spec.routes) return spec.routes;
  return spec.port ? [{ host: name, path: "/", port: spec.port }] : [];
}

function httpRouteName(service: string, route: ServiceRoute): string {
  const parts = [service];
  if (route.host !== service) parts.push(route.host.replaceAll(".", "-"));
  if (route.path !== "/") parts.push(route.path.slice(1).replaceAll("/", "-"));
  return joinLabel(...parts);
}

function httpRouteSpec(service: string, route: ServiceRoute): RouteSpec {
  const { host, path, port, ...options } = route;
  return { ...options, host, path, to: { service, container: port.container, port: port.port } };
}

function listenRouteName(service: string, listen: Listen): string {
  const ports = listen.endPort === undefined ? `${listen.port}` : `${listen.port}-${listen.endPort}`;
  return joinLabel(service, ...(listen.address === undefined ? [] : [listen.address.replace(/[.:]/g, "-")]), ports, listen.protocol);
}

function listenRouteSpec(service: string, listen: Listen): RouteSpec {
  const { container, targetPort, allow, proxyProtocol, idleTimeout, ...where } = listen;
  return {
    path: "/",
    listen: where,
    to: { service, container, port: targetPort },
    ...(allow && { allow }),
    ...(proxyProtocol && { proxyProtocol }),
    ...(idleTimeout && { idleTimeout }),
  };
}

/** A Route for raw ports has no host of its own: its Service's name, or its own, leads to it. */
function recordsOf(route: Resource<"Route">, zone: string): readonly Resource<"DnsRecord">[] {
  const name = hostInZone(route.spec.host ?? serviceOf(route) ?? route.metadata.name, zone);
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
