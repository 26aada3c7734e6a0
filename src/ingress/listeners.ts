// Where this node listens: for HTTP, for DNS, and for each raw port of the table. Every listener of a raw port has exactly one route.
// Pure.
import type { IngressSettings, IngressStatus, StreamRoute } from "../api/table.ts";
import { inNetwork } from "./address.ts";

export interface ListenerWish {
  readonly protocol: "http" | "dns" | StreamRoute["protocol"];
  readonly address: string;
  /** The first free one is taken; a raw port has no second choice. */
  readonly ports: readonly number[];
}

/** A raw port to listen on, and where it leads. */
export interface StreamListener {
  readonly protocol: StreamRoute["protocol"];
  readonly address: string;
  readonly port: number;
  readonly route: StreamRoute;
}

export interface Places {
  /** This computer's addresses, of all networks and both families. */
  readonly own: readonly string[];
  readonly containers?: IngressSettings["containers"];
}

/** Of raw ports, each times its addresses: all of them are handed down at once. */
const STREAM_LISTENERS_MAX = 1024;

const PORT_MAX = 65_535;
const ALL = "::";

export interface ListenerPlan {
  readonly wishes: readonly ListenerWish[];
  /** Where a raw port of these leads. */
  readonly route: (protocol: StreamRoute["protocol"], address: string, port: number) => StreamRoute | undefined;
  /** Raw ports above the limit, as the status shows them. */
  readonly refused: IngressStatus["listeners"];
}

export function planListeners(settings: IngressSettings | undefined, routes: readonly StreamRoute[], own: readonly string[]): ListenerPlan {
  const containers = settings?.containers;
  const streams = settings === undefined ? [] : streamListeners(routes, { own, ...(containers && { containers }) });
  const served = streams.slice(0, STREAM_LISTENERS_MAX);
  const byPlace = new Map(served.map(({ protocol, address, port, route }) => [placeOf(protocol, address, port), route]));
  const problem = `this node has ${STREAM_LISTENERS_MAX} raw ports already, counted by address: name fewer ports, or one address`;
  return {
    wishes: [...frontListeners(settings), ...served.map(({ protocol, address, port }) => ({ protocol, address, ports: [port] }))],
    route: (protocol, address, port) => byPlace.get(placeOf(protocol, address, port)),
    refused: streams.slice(STREAM_LISTENERS_MAX).map(({ protocol, address, port }) => ({ protocol, address, port, problem })),
  };
}

function placeOf(protocol: StreamRoute["protocol"], address: string, port: number): string {
  return `${protocol} ${address} ${port}`;
}

/** Without settings nothing is listened on: only the agent knows which addresses are this computer's. */
function frontListeners(settings: IngressSettings | undefined): readonly ListenerWish[] {
  if (settings === undefined) return [];
  return (["http", "dns"] as const).flatMap((protocol) => {
    const { addresses, ports } = settings[protocol];
    return [...new Set(addresses)].map((address) => ({ protocol, address, ports }));
  });
}

/**
 * No two listeners meet: who names an address has it, the first of them, and who wants all addresses gets the others. UDP has one
 * listener for each address, because an answer must come from the address that was asked.
 */
export function streamListeners(routes: readonly StreamRoute[], places: Places): readonly StreamListener[] {
  const byPort = Map.groupBy(routes, ({ protocol, port }) => `${protocol} ${port}`);
  return [...byPort.values()].flatMap((rivals) => {
    const named = new Map<string, StreamRoute>();
    for (const route of rivals) {
      const address = namedAddress(route, places);
      if (address !== undefined && address !== ALL && !named.has(address)) named.set(address, route);
    }
    const listeners = [...named].map(([address, route]) => listener(route, address));
    const everywhere = rivals.find((route) => namedAddress(route, places) === ALL);
    if (everywhere === undefined) return listeners;
    const together = everywhere.protocol === "tcp" && named.size === 0;
    const others = together ? [ALL] : reachable(places).filter((address) => !named.has(address));
    return [...listeners, ...others.map((address) => listener(everywhere, address))];
  });
}

/** undefined: the apps' bridge is not made yet. */
function namedAddress({ address, allow }: StreamRoute, { containers }: Places): string | undefined {
  if (address !== undefined) return address === "0.0.0.0" ? ALL : address;
  return allow?.length === 1 && allow[0] === "apps" ? containers?.gateway : ALL;
}

function listener(route: StreamRoute, address: string): StreamListener {
  return { protocol: route.protocol, address, port: route.port, route: dialable(route) };
}

/** A range may lead beyond the last port there is: such a backend is none. */
function dialable(route: StreamRoute): StreamRoute {
  const backends = route.backends.filter(({ port }) => port > 0 && port <= PORT_MAX);
  return backends.length === route.backends.length ? route : { ...route, backends };
}

/** Private networks of single Services have addresses here too, which nobody is ever told. */
function reachable({ own, containers }: Places): readonly string[] {
  const isOfApps = (address: string): boolean =>
    containers !== undefined && address !== containers.gateway && containers.subnets.some((subnet) => inNetwork(address, subnet));
  return [...new Set(own)].filter((address) => !isOfApps(address));
}
