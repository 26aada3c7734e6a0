// The plan of a Route on one node: the rows that this node's ingress serves for it, and what only this node can say of it.
import { sameConditions } from "../../src/api/conditions.ts";
import { canonicalJson } from "../../src/api/hash.ts";
import type { Condition, Name, Resource } from "../../src/api/resource.ts";
import type { Context, Plan } from "../../src/engine/contract.ts";
import { winnerOver } from "./conflict.ts";
import type { RouteFacts, RouteRows } from "./facts.ts";
import { NO_ROWS, rowsOf } from "./rows.ts";

export type RouteAction =
  | { readonly kind: "SetRoute"; readonly name: Name; readonly rows: RouteRows | undefined }
  | { readonly kind: "Report"; readonly name: Name; readonly conditions: readonly Condition[] };

export function plan(route: Resource<"Route"> | undefined, facts: RouteFacts, { node }: Context): Plan<RouteAction> {
  const { name, zone, held, target, rivals, reported } = facts;
  const winner = route && winnerOver(route, rivals, zone);
  const rows = route && (winner === undefined ? rowsOf(route, target, node) : NO_ROWS);
  const conditions = route && winner === undefined ? busyPorts(route, facts) : [];
  const actions: RouteAction[] = [];
  if (canonicalJson(rows) !== canonicalJson(held)) actions.push({ kind: "SetRoute", name, rows });
  if (!sameConditions(conditions, reported)) actions.push({ kind: "Report", name, conditions });
  return { actions, conditions };
}

function busyPorts({ spec }: Resource<"Route">, { listeners }: RouteFacts): readonly Condition[] {
  const { listen } = spec;
  if (listen === undefined) return [];
  const busy = listeners.filter(({ protocol, port, problem }) => {
    return problem !== undefined && protocol === listen.protocol && port >= listen.port && port <= (listen.endPort ?? listen.port);
  });
  return busy.map(({ port, protocol, problem = "" }) => ({
    type: "PortsHeld",
    status: "False",
    reason: "PortBusy",
    message: `Port ${port}/${protocol} cannot be opened on this node: ${problem}`,
  }));
}
