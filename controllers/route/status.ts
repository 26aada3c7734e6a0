// A Route's status as people read it.
import { newestTransition } from "../../src/api/conditions.ts";
import type { Condition, Resource } from "../../src/api/resource.ts";
import type { ObservedRoute } from "../../src/api/state.ts";
import type { RouteStatus } from "../../src/api/status.ts";
import type { Backend } from "../../src/api/table.ts";
import type { RouteSpec } from "../../src/api/types.ts";
import { fqdn, httpUrl } from "../../src/api/urls.ts";
import type { Mirror } from "../../src/engine/contract.ts";
import { winnerOver } from "./conflict.ts";
import type { RouteRows, WhyNowhere } from "./facts.ts";
import { rivalsOf, targetOf, zoneOf } from "./house-facts.ts";
import { rowsOf, waitingFor } from "./rows.ts";

export function routeStatus(route: Resource<"Route">, mirror: Mirror, whyNowhere: WhyNowhere): RouteStatus {
  const { host, listen, tls } = route.spec;
  const zone = zoneOf(mirror);
  const ports = [...mirror.nodes().values()].map(({ value }) => value.ports.http).filter((port) => port !== undefined);
  const target = targetOf(route, mirror, whyNowhere);
  const winner = winnerOver(route, rivalsOf(route, mirror), zone);
  const backends = backendsIn(rowsOf(route, target, ""));
  const observed = [...mirror.observed<ObservedRoute>("Route", route.metadata.name).values()].flatMap(({ value }) => value.conditions);
  return {
    ...(host !== undefined && listen === undefined && { url: tls ? `https://${fqdn(host, zone)}` : httpUrl(host, zone, ports) }),
    backends: backendsText(winner === undefined ? backends : [], target?.placed),
    conditions: [
      readyCondition(route, { winner, backends, waiting: waitingFor(route.spec, target), observed, nodes: mirror.nodes().size }),
      ...observed,
    ],
  };
}

interface Reading {
  readonly winner: string | undefined;
  readonly backends: readonly Backend[];
  readonly waiting: { readonly reason: string; readonly message: string };
  readonly observed: readonly Condition[];
  /** How many there are. */
  readonly nodes: number;
}

function readyCondition({ metadata, spec }: Resource<"Route">, reading: Reading): Condition {
  const { winner, backends, waiting, observed } = reading;
  const since = newestTransition(observed);
  const common = {
    type: "Ready",
    observedGeneration: metadata.generation,
    ...(since !== undefined && { lastTransitionTime: since }),
  } as const;
  if (winner !== undefined)
    return {
      ...common,
      status: "False",
      reason: "Conflict",
      message: `Route '${winner}' is older and has the same ${(spec.listen ?? spec.tls) ? "port" : "name and path"}. Delete or change one of them`,
    };
  const busy = busyEverywhere(spec, reading);
  if (busy !== undefined) return { ...common, status: "False", reason: busy.reason, message: busy.message };
  if (backends.length === 0 && spec.redirect === undefined) return { ...common, status: "False", ...waiting };
  return {
    ...common,
    status: "True",
    reason: "Ready",
    message: `It leads to ${backends.map(({ host, port }) => `${host}:${port}`).join(", ") || "another address"}${sourceNote(spec)}`,
  };
}

/** As long as one node has the port there is a way in. */
function busyEverywhere({ listen, tls }: RouteSpec, { observed, nodes }: Reading): Condition | undefined {
  if ((listen ?? tls) === undefined) return undefined;
  const busy = observed.filter(({ type, status }) => type === "PortsHeld" && status === "False");
  return busy.length >= nodes ? busy[0] : undefined;
}

/** What an app hears of its clients where it hears nothing. */
function sourceNote({ listen, tls, proxyProtocol, to }: RouteSpec): string {
  const isHidden = (listen ?? tls) !== undefined && proxyProtocol === undefined && "service" in to;
  return isHidden ? ". To the app every client has the gateway's address, unless it reads the PROXY protocol: 'proxyProtocol: v2'" : "";
}

/** Of a range of ports the first stands for all. */
function backendsIn({ http, streams }: RouteRows): readonly Backend[] {
  return http[0]?.backends ?? streams[0]?.backends ?? [];
}

function backendsText(backends: readonly Backend[], placed: number | undefined): string {
  const where = backends.map(({ node, host, port }) => `${node || host}:${port}`).join(", ");
  return `${backends.length}/${placed ?? backends.length}${where === "" ? "" : ` (${where})`}`;
}
