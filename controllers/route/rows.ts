// From a Route and its ready instances to the rows that the ingress serves.
import { durationMs } from "../../src/api/durations.ts";
import type { Name, NodeName, Resource } from "../../src/api/resource.ts";
import { sizeBytes } from "../../src/api/sizes.ts";
import type { Backend, HttpRoute, StreamRoute } from "../../src/api/table.ts";
import type { RouteSpec } from "../../src/api/types.ts";
import type { RouteRows, Target } from "./facts.ts";

/** How long a request waits for an app that moves. */
const HOLD_DEFAULT = "10s";
const TCP_IDLE_DEFAULT = "1h";
const UDP_IDLE_DEFAULT = "1m";
/** Of `tls: passthrough` without a port of its own. */
export const TLS_PORT = 443;
const SCHEME_PORT: Readonly<Record<string, number>> = { "http:": 80, "https:": 443 };

export const NO_ROWS: RouteRows = { http: [], streams: [] };

/** `node`: whose ingress the rows are for; what is no container is dialled by each node itself. */
export function rowsOf(route: Resource<"Route">, target: Target | undefined, node: NodeName): RouteRows {
  const { name } = route.metadata;
  const { spec } = route;
  if (spec.listen !== undefined || spec.tls !== undefined) return { http: [], streams: streamRows(name, spec, target, node) };
  return spec.host === undefined ? NO_ROWS : { http: [httpRow({ name, spec, host: spec.host }, target, node)], streams: [] };
}

function httpRow(
  { name, spec, host }: { readonly name: Name; readonly spec: RouteSpec; readonly host: string },
  target: Target | undefined,
  node: NodeName,
): HttpRoute {
  const tls = "service" in spec.to && spec.backendTls !== undefined ? { tls: spec.backendTls } : {};
  const backends = backendsOf(spec, target, node, 0).map((backend) => ({ ...backend, ...tls }));
  const waiting = backends.length === 0 && spec.redirect === undefined ? waitingFor(spec, target) : undefined;
  return {
    name,
    host: host.toLowerCase(),
    path: spec.path,
    backends,
    ...(waiting && { waiting: { ...waiting, next: nextStep(name, spec, target) } }),
    holdMs: durationMs(spec.hold ?? HOLD_DEFAULT),
    ...(spec.timeouts?.response !== undefined && { responseTimeoutMs: durationMs(spec.timeouts.response) }),
    ...(spec.maxBody !== undefined && { maxBodyBytes: sizeBytes(spec.maxBody) }),
    ...(spec.redirect && { redirect: spec.redirect }),
    ...(spec.allow && { allow: spec.allow }),
    ...(spec.basicAuth && { basicAuth: spec.basicAuth }),
    ...(spec.forwardAuth && { forwardAuth: { url: spec.forwardAuth.url, headers: spec.forwardAuth.headers ?? [] } }),
    ...(spec.headers && { headers: spec.headers }),
    ...(spec.sticky !== undefined && { sticky: spec.sticky }),
    forwardedHeaders: spec.forwardedHeaders ?? "standard",
  };
}

/** One row a port: a range leads to the same range inside. */
function streamRows(name: Name, spec: RouteSpec, target: Target | undefined, node: NodeName): readonly StreamRoute[] {
  const { listen = { port: TLS_PORT, protocol: "tcp" as const }, tls, host } = spec;
  const count = (listen.endPort ?? listen.port) - listen.port + 1;
  return Array.from({ length: count }, (_, offset) => ({
    name,
    protocol: listen.protocol,
    ...(listen.address !== undefined && { address: listen.address }),
    port: listen.port + offset,
    ...(tls !== undefined && host !== undefined && { host: host.toLowerCase() }),
    backends: backendsOf(spec, target, node, offset),
    ...(spec.allow && { allow: spec.allow }),
    ...(spec.proxyProtocol && { proxyProtocol: spec.proxyProtocol }),
    idleTimeoutMs: durationMs(spec.idleTimeout ?? (listen.protocol === "tcp" ? TCP_IDLE_DEFAULT : UDP_IDLE_DEFAULT)),
  }));
}

function backendsOf(spec: RouteSpec, target: Target | undefined, node: NodeName, offset: number): readonly Backend[] {
  const { to } = spec;
  if ("url" in to) return urlBackend(to.url, spec, node).map((backend) => ({ ...backend, port: backend.port + offset }));
  const service = target?.service?.spec;
  const container = to.container ?? service?.port?.container ?? service?.containers[0]?.name ?? "";
  const port = to.port ?? service?.port?.port ?? spec.listen?.port;
  if (port === undefined) return [];
  const protocol = spec.listen?.protocol ?? "tcp";
  return (target?.ready ?? []).flatMap(({ node: where, instance: { id, addresses, published } }) => {
    const host = addresses[container];
    const ports = published?.[container];
    // Where ports are published, any other one of 127.0.0.1 is somebody else's.
    const dialled = ports === undefined ? port + offset : ports[`${port + offset}/${protocol}`];
    return host === undefined || dialled === undefined ? [] : [{ node: where, instance: `${to.service}-${id}`, host, port: dialled }];
  });
}

function urlBackend(text: string, { backendTls }: RouteSpec, node: NodeName): readonly Backend[] {
  const url = URL.parse(text);
  if (url === null) return [];
  const port = url.port === "" ? (SCHEME_PORT[url.protocol] ?? 80) : Number(url.port);
  const tls = url.protocol === "https:" ? { tls: backendTls ?? "verify" } : {};
  const authority = url.protocol === "https:" || url.protocol === "http:" ? { authority: url.host } : {};
  // Sockets take an IPv6 address without the brackets of a URL.
  return [{ node, instance: "", host: url.hostname.replace(/^\[(.*)\]$/, "$1"), port, ...tls, ...authority }];
}

function nextStep(name: Name, { to }: RouteSpec, target: Target | undefined): string {
  return target?.service === undefined || "url" in to ? `fossora describe route/${name}` : `fossora describe service/${to.service}`;
}

/** For the page under the name, and for the Route's own condition. */
export function waitingFor({ to }: RouteSpec, target: Target | undefined): { readonly reason: string; readonly message: string } {
  if ("url" in to) return { reason: "InvalidUrl", message: `'${to.url}' is no URL` };
  if (target?.service === undefined) return { reason: "ServiceNotFound", message: `There is no Service '${to.service}'` };
  if (target.problem) return { reason: target.problem.reason, message: target.problem.message };
  if (target.service.spec.replicas === 0) return { reason: "Stopped", message: `${to.service} is stopped` };
  if (target.placed === 0) return { reason: "Pending", message: `No node runs ${to.service} yet` };
  if (target.ready.length > 0)
    return { reason: "PortUnknown", message: `${to.service} runs, but the Route names no port or container that it has` };
  return { reason: "Starting", message: `${to.service} is starting` };
}
