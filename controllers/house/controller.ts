// The edge of the House: reads the upstreams' Services and the nodes from the mirror, and hands this node's ingress whom to ask.
import { stamped } from "../../src/api/conditions.ts";
import { readyInstances, type ReadyInstance } from "../../src/api/endpoints.ts";
import { keys } from "../../src/api/keys.ts";
import type { Name, Resource } from "../../src/api/resource.ts";
import type { DecidedService, ObservedConditions, ObservedService } from "../../src/api/state.ts";
import type { HouseSpec } from "../../src/api/types.ts";
import { parseUpstream } from "../../src/api/upstream.ts";
import type { Change, Controller, Mirror, Ports } from "../../src/engine/contract.ts";
import type { App, HouseFacts } from "./facts.ts";
import { plan, type HouseAction } from "./plan.ts";

const kind = "House";
const HOUSE = "house";

export const houseController: Controller<Resource<"House">, HouseFacts, HouseAction> = {
  kind,
  wakes,
  names: async ({ mirror }) => [...mirror.all(kind)].map(({ metadata }) => metadata.name),
  observe: async (name, ports) => ({
    held: ports.proxy.house(),
    resolver: resolverFacts(ports.mirror.desired(kind, name)?.spec, ports),
    reported: ports.mirror.written<ObservedConditions>(kind, name, ports.identity.node)?.value.conditions ?? [],
  }),
  plan,
  act: {
    SetHouse: async ({ rows }, { proxy }) => proxy.setHouse(rows),
    Report: async ({ conditions }, { mirror, store, identity, clock }, signal) => {
      const key = keys.observed(kind, HOUSE, identity.node);
      const before = mirror.written<ObservedConditions>(kind, HOUSE, identity.node)?.value.conditions ?? [];
      const observed: ObservedConditions = { bootId: identity.bootId, conditions: stamped(conditions, before, clock.wall()) };
      const write = conditions.length === 0 ? { delete: key } : { put: key, value: JSON.stringify(observed) };
      await store.commit({ compare: [], writes: [write] }, signal);
    },
  },
};

function wakes(change: Change, mirror: Mirror): readonly Name[] {
  if (change.kind === kind) return [change.name];
  const spec = mirror.desired(kind, HOUSE)?.spec;
  if (spec?.resolver === undefined) return [];
  if (change.kind === "Service") return servicesOf(spec).includes(change.name) ? [HOUSE] : [];
  // Where a node is, nobody is asked; and whether it is dead tells whether its apps are.
  return change.room === "node" || (change.kind === "Membership" && change.room === "decided") ? [HOUSE] : [];
}

function resolverFacts(spec: HouseSpec | undefined, { mirror, proxy, identity, system, addresses }: Ports): HouseFacts["resolver"] {
  if (spec?.resolver === undefined) return { hostServers: [], houseAddresses: [], dnsListeners: [], apps: {} };
  const nodes = [...mirror.nodes().values()].flatMap(({ value }) => [...value.addresses.lan, ...value.addresses.tailnet]);
  return {
    hostServers: system.resolvers(),
    houseAddresses: [...nodes, addresses.gateway],
    dnsListeners: (proxy.status()?.listeners ?? []).filter(({ protocol }) => protocol === "dns"),
    apps: Object.fromEntries(servicesOf(spec).map((name) => [name, appOf(name, mirror, identity.node)])),
  };
}

function appOf(name: Name, mirror: Mirror, here: string): App {
  const observed = [...mirror.observed<ObservedService>("Service", name)].map(([node, { value }]) => [node, value] as const);
  const ready = readyInstances(mirror.decided<DecidedService>("Service", name)?.value, observed);
  const isHere = ({ node }: ReadyInstance): boolean => node === here;
  return { service: mirror.desired("Service", name), ready: [...ready.filter(isHere), ...ready.filter((each) => !isHere(each))] };
}

function servicesOf({ resolver }: HouseSpec): readonly Name[] {
  const upstreams = resolver === undefined || resolver.upstream === "host" ? [] : resolver.upstream;
  return upstreams.flatMap((text) => {
    const parsed = parseUpstream(text);
    return parsed !== undefined && "service" in parsed ? [parsed.service] : [];
  });
}
