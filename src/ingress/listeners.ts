// Where this node listens: for HTTP, for DNS, for the other nodes, and for each raw port of the table. Every listener of a raw port has exactly one route, or
// several that are told apart by the host that a TLS connection asks for. Pure.
import type { IngressSettings, IngressStatus, StreamRoute, Table } from "../api/table.ts";
import { hostNames } from "../api/urls.ts";
import { inNetwork } from "./address.ts";

export interface ListenerWish {
  readonly protocol: "http" | "dns" | "mesh" | StreamRoute["protocol"];
  readonly address: string;
  /** The first free one is taken; a raw port has no second choice. */
  readonly ports: readonly number[];
}

/** A raw port to listen on, and where it leads. */
export interface StreamListener {
  readonly protocol: StreamRoute["protocol"];
  readonly address: string;
  readonly port: number;
  /** One, or several that each have a host. */
  readonly routes: readonly StreamRoute[];
}

/** Which of the routes it is tells the host that the client asks for. */
export const BY_HOST = "by host";

export interface Places {
  /** This computer's addresses, of all networks and both families. */
  readonly own: readonly string[];
  readonly containers?: IngressSettings["containers"];
}

/** Of raw ports, each times its addresses: all of them are handed down at once. */
const STREAM_LISTENERS_MAX = 1024;

const PORT_MAX = 65_535;
const ALL = "::";
/** The same on a kernel without IPv6. */
const ALL_IPV4 = "0.0.0.0";

export interface ListenerPlan {
  readonly wishes: readonly ListenerWish[];
  /** Where a raw port of these leads; `host`: what the client asks for, where that was read. */
  readonly route: (
    protocol: StreamRoute["protocol"],
    address: string,
    port: number,
    host?: string,
  ) => StreamRoute | typeof BY_HOST | undefined;
  /** Raw ports above the limit, as the status shows them. */
  readonly refused: IngressStatus["listeners"];
}

export function planListeners(
  settings: IngressSettings | undefined,
  { zone, streams: routes }: Pick<Table, "zone" | "streams">,
  own: readonly string[],
): ListenerPlan {
  const containers = settings?.containers;
  const streams = settings === undefined ? [] : streamListeners(routes, { own, ...(containers && { containers }) });
  const served = streams.slice(0, STREAM_LISTENERS_MAX);
  const byPlace = new Map(
    served.map(({ protocol, address, port, routes: each }) => [placeOf(protocol, address, port), finder(each, zone)]),
  );
  const problem = `this node has ${STREAM_LISTENERS_MAX} raw ports already, counted by address: name fewer ports, or one address`;
  return {
    wishes: [...frontListeners(settings), ...served.map(({ protocol, address, port }) => ({ protocol, address, ports: [port] }))],
    route: (protocol, address, port, host) => byPlace.get(placeOf(protocol, wished(address), port))?.(host),
    refused: streams.slice(STREAM_LISTENERS_MAX).map(({ protocol, address, port }) => ({ protocol, address, port, problem })),
  };
}

function placeOf(protocol: StreamRoute["protocol"], address: string, port: number): string {
  return `${protocol} ${address} ${port}`;
}

function finder(routes: readonly StreamRoute[], zone: string): (host: string | undefined) => StreamRoute | typeof BY_HOST | undefined {
  const [first] = routes;
  if (first?.host === undefined) return () => first;
  const byHost = new Map<string, StreamRoute>();
  for (const route of routes) for (const name of hostNames(route.host ?? "", zone)) if (!byHost.has(name)) byHost.set(name, route);
  return (host) => (host === undefined ? BY_HOST : byHost.get(host));
}

/** Without settings nothing is listened on: only the agent knows which addresses are this computer's. */
function frontListeners(settings: IngressSettings | undefined): readonly ListenerWish[] {
  if (settings === undefined) return [];
  return (["http", "dns", "mesh"] as const).flatMap((protocol) => {
    const { addresses, ports } = settings[protocol] ?? { addresses: [], ports: [] };
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
    const byAddress = Map.groupBy(rivals, (route) => namedAddress(route, places));
    const everywhere = together(byAddress.get(ALL) ?? []);
    const named = [...byAddress].flatMap(([address, each]) => (address === undefined || address === ALL ? [] : [[address, each] as const]));
    const listeners = named.map(([address, each]) => listener(together(each), address));
    const [route] = everywhere;
    if (route === undefined) return listeners;
    const isOneSocket = route.protocol === "tcp" && named.length === 0;
    const others = isOneSocket ? [ALL] : reachable(places).filter((address) => !named.some(([taken]) => taken === address));
    return [...listeners, ...others.map((address) => listener(everywhere, address))];
  });
}

/** The first has the port, and shares it with those that have a host if it has one. */
function together(routes: readonly StreamRoute[]): readonly StreamRoute[] {
  return routes[0]?.host === undefined ? routes.slice(0, 1) : routes.filter(({ host }) => host !== undefined);
}

/** As listeners are wished for: a route may name all addresses as IPv4 does, and a kernel may listen on no others. */
function wished(address: string): string {
  return address === ALL_IPV4 ? ALL : address;
}

/** undefined: nobody has told which the apps' bridge is. */
function namedAddress({ address, allow }: StreamRoute, { containers }: Places): string | undefined {
  if (address !== undefined) return wished(address);
  return allow?.length === 1 && allow[0] === "apps" ? containers?.gateway : ALL;
}

function listener(routes: readonly StreamRoute[], address: string): StreamListener {
  const [{ protocol, port } = { protocol: "tcp" as const, port: 0 }] = routes;
  return { protocol, address, port, routes: routes.map(dialable) };
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
