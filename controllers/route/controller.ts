// The edge of a Route: reads its rivals and its Service from the mirror, and hands rows to this node's ingress.
import { stamped } from "../../src/api/conditions.ts";
import { keys } from "../../src/api/keys.ts";
import type { Name, Resource } from "../../src/api/resource.ts";
import type { ObservedRoute } from "../../src/api/state.ts";
import type { Change, Controller, Mirror } from "../../src/engine/contract.ts";
import type { RouteFacts, WhyNowhere } from "./facts.ts";
import { rivalsOf, routesTo, targetOf, zoneOf } from "./house-facts.ts";
import { plan, type RouteAction } from "./plan.ts";

const kind = "Route";

/** A kind does not know another one: who can say why a Service runs nowhere is handed in. */
export function routeController(whyNowhere: WhyNowhere): Controller<Resource<"Route">, RouteFacts, RouteAction> {
  return {
    kind,
    wakes,
    names: async ({ mirror }) => [...mirror.all(kind)].map(({ metadata }) => metadata.name),
    observe: async (name, { mirror, proxy, identity }) => {
      const route = mirror.desired(kind, name);
      return {
        name,
        zone: zoneOf(mirror),
        held: proxy.route(name),
        target: route && targetOf(route, mirror, whyNowhere),
        rivals: route ? rivalsOf(route, mirror) : [],
        listeners: proxy.status()?.listeners ?? [],
        localNames: proxy.status()?.localNames ?? [],
        reported: mirror.written<ObservedRoute>(kind, name, identity.node)?.value.conditions ?? [],
      };
    },
    plan,
    act: {
      SetRoute: async ({ name, rows }, { proxy }) => proxy.setRoute(name, rows),
      Report: async ({ name, conditions }, { mirror, store, identity, clock }, signal) => {
        const key = keys.observed(kind, name, identity.node);
        const before = mirror.written<ObservedRoute>(kind, name, identity.node)?.value.conditions ?? [];
        const observed: ObservedRoute = { bootId: identity.bootId, conditions: stamped(conditions, before, clock.wall()) };
        const write = conditions.length === 0 ? { delete: key } : { put: key, value: JSON.stringify(observed) };
        await store.commit({ compare: [], writes: [write] }, signal);
      },
    },
  };
}

function wakes(change: Change, mirror: Mirror): readonly Name[] {
  if (change.kind === "Service") return routesTo(change.name, mirror);
  if (change.kind === kind) {
    // Whoever wanted what it wanted before may have it now.
    const versions = [change.before, mirror.desired(kind, change.name)].filter((each) => each?.kind === kind);
    return [change.name, ...versions.flatMap((each) => rivalsOf(each, mirror)).map(({ metadata }) => metadata.name)];
  }
  // What a node observed counts no more when it is Down, or booted anew; cordoned it takes nothing; in another zone other names are the same.
  const isAboutAll = change.room === "node" || change.kind === "House" || (change.kind === "Membership" && change.room !== "observed");
  return isAboutAll ? [...mirror.all(kind)].map(({ metadata }) => metadata.name) : [];
}
