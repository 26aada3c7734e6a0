// The plan of a Route on one node: the rows that this node's ingress serves for it, and what only this node can say of it.
import { sameConditions } from "../../src/api/conditions.ts";
import { canonicalJson } from "../../src/api/hash.ts";
import type { Condition, Name, NodeName, Resource } from "../../src/api/resource.ts";
import type { Context, Plan } from "../../src/engine/contract.ts";
import { winnerOver } from "./conflict.ts";
import type { RouteFacts, RouteRows } from "./facts.ts";
import { NO_ROWS, rowsOf, TLS_PORT } from "./rows.ts";

export type RouteAction =
  | { readonly kind: "SetRoute"; readonly name: Name; readonly rows: RouteRows | undefined }
  | { readonly kind: "Report"; readonly name: Name; readonly conditions: readonly Condition[] };

export function plan(route: Resource<"Route"> | undefined, facts: RouteFacts, { node }: Context): Plan<RouteAction> {
  const { name, zone, held, target, rivals, reported } = facts;
  const winner = route && winnerOver(route, rivals, zone);
  const rows = route && (winner === undefined ? rowsOf(route, target, node) : NO_ROWS);
  const conditions =
    route && winner === undefined ? [...busyPorts(route, facts.listeners, node), ...silentName(route, facts.localNames, node)] : [];
  const actions: RouteAction[] = [];
  if (canonicalJson(rows) !== canonicalJson(held)) actions.push({ kind: "SetRoute", name, rows });
  if (!sameConditions(conditions, reported)) actions.push({ kind: "Report", name, conditions });
  return { actions, conditions };
}

/** Shown one by one; of a long range the first ones tell enough. */
const PROBLEMS_MAX = 3;

/** One condition a node, which names it: people read those of all nodes side by side. */
function busyPorts({ spec }: Resource<"Route">, listeners: RouteFacts["listeners"], node: NodeName): readonly Condition[] {
  const { listen = spec.tls && { port: TLS_PORT, protocol: "tcp" as const } } = spec;
  if (listen === undefined) return [];
  const busy = listeners.filter(({ protocol, port, address, problem }) => {
    const isOurs = protocol === listen.protocol && port >= listen.port && port <= (listen.endPort ?? listen.port);
    return problem !== undefined && isOurs && (isEverywhere(listen.address) || isEverywhere(address) || address === listen.address);
  });
  const problems = [...new Set(busy.map(({ problem = "" }) => problem))];
  const [first] = busy;
  if (first === undefined) return [];
  const shown = problems.slice(0, PROBLEMS_MAX).join("; ");
  const more = problems.length > PROBLEMS_MAX ? `; and ${problems.length - PROBLEMS_MAX} more` : "";
  const what = new Set(busy.map(({ port }) => port)).size === 1 ? `Port ${first.port}/${first.protocol}` : "Ports";
  const message = `${what} cannot be opened on ${node}: ${shown}${more}${remedyFor(shown)}`;
  return [{ type: "PortsHeld", status: "False", reason: "PortBusy", message }];
}

function remedyFor(problems: string): string {
  if (!problems.includes("is held by")) return "";
  return problems.includes("the house's own") ? ". Listen on another port" : ". Stop that program, or listen on another port";
}

function isEverywhere(address: string | undefined): boolean {
  return address === undefined || address === "::" || address === "0.0.0.0";
}

/** By mDNS: `jellyfin` or `jellyfin.local` may be another device's. */
function silentName({ spec }: Resource<"Route">, localNames: RouteFacts["localNames"], node: NodeName): readonly Condition[] {
  const label = spec.host?.toLowerCase().replace(/\.local$/, "");
  const problems = localNames.filter(({ host }) => host === label).flatMap(({ problem = [] }) => problem);
  if (problems.length === 0) return [];
  const message = `${label}.local does not lead to ${node} on the LAN: ${[...new Set(problems)].join("; ")}`;
  return [{ type: "LocalName", status: "False", reason: "NotAnnounced", message }];
}
