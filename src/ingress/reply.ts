// Who is answered, for whom others are asked, and who is turned away. Pure.
import type { Peer, Reply } from "../api/dns-reply.ts";
import type { IngressSettings, ResolverUpstream, Table } from "../api/table.ts";
import { inNetwork, isLoopback, isTailnet, plainAddress } from "./address.ts";
import { isOnLan } from "./allow.ts";
import { answer, isContainer, plainName, viewOf, type Question, type View } from "./answer.ts";
import type { Zone } from "./zone.ts";

export interface Known {
  /** Absent until the first table. */
  readonly zone?: Zone | undefined;
  readonly table?: Table | undefined;
  readonly containers?: IngressSettings["containers"];
  /** This computer's own networks: `192.168.1.10/24`. */
  readonly networks?: readonly string[];
  /** Those of them that are a LAN's, though their addresses do not show it. */
  readonly lans?: readonly string[];
}

export function replyTo(question: Question, peer: Peer, known: Known): Reply {
  const { zone, table, containers, networks } = known;
  const asker = askerOf(peer, known);
  if (asker === undefined) return { kind: "stranger" };
  const isOutside = zone !== undefined && zone.originOf(plainName(question.name)) === undefined;
  const upstreams = asker.served === "house" ? (table?.resolver?.upstreams ?? []) : (containers?.upstreams.map(upstreamOf) ?? []);
  const recursion = asker.served !== "nobody";
  if (isOutside && recursion) return { kind: "forward", upstreams };
  const found = answer(zone, question, { ...asker.view, ...(networks && { networks }) });
  const follow = found.outside === undefined || !recursion ? undefined : { name: found.outside, upstreams };
  return { kind: "answer", answer: found, recursion, ...(follow && { follow }) };
}

const VIEWS: readonly View["from"][] = ["lan", "tailnet", "container", "loopback"];
const SERVED = ["nobody", "containers", "house"] as const;

/** Two who ask the same address from the same place are told the same of every name. undefined: a stranger. */
export function placeOf(peer: Peer, known: Known): number | undefined {
  const asker = askerOf(peer, known);
  return asker && VIEWS.indexOf(asker.view.from) * SERVED.length + SERVED.indexOf(asker.served);
}

interface Asker {
  readonly view: View;
  /** As one of whom others are asked in its stead. */
  readonly served: (typeof SERVED)[number];
}

function askerOf({ asked, client: address }: Peer, known: Known): Asker | undefined {
  const { table, containers } = known;
  const client = plainAddress(address);
  const fromContainer = containers !== undefined && isContainer(client, containers);
  if (!fromContainer && !isLoopback(client) && !isOnLan(client, known.lans) && !isTailnet(client)) return undefined;
  const view = viewOf(asked, client, table?.nodes[table.node], containers);
  // Only there and only for them: nobody else may use the host's name servers.
  if (fromContainer) return { view, served: asked === containers.gateway ? "containers" : "nobody" };
  return { view, served: isServed(asked, client, known) ? "house" : "nobody" };
}

/** People of the house. Its nodes and its upstreams are none of them: what they ask may be what we asked them, and go round for ever. */
function isServed(asked: string, client: string, { table, networks = [] }: Known): boolean {
  const own = table?.nodes[table.node];
  if (table?.resolver === undefined || own === undefined) return false;
  const isNode = Object.values(table.nodes).some(({ lan, tailnet }) => lan.includes(client) || tailnet.includes(client));
  const { serve, upstreams } = table.resolver;
  if (isNode || upstreams.some(({ host }) => host === client)) return false;
  if (serve.includes("tailnet") && own.tailnet.includes(asked)) return isTailnet(client);
  const lans = networks.filter((network) => own.lan.some((address) => network.startsWith(`${address}/`)));
  return serve.includes("lan") && own.lan.includes(asked) && lans.some((network) => inNetwork(client, network));
}

const DNS_PORT = 53;

/** `ADDRESS`, or an IPv4 address and a port. An IPv6 one may name an interface, with a dot in it: `fe80::1%eth0.10`. */
function upstreamOf(text: string): ResolverUpstream {
  const [, host = text, port] = /^([\d.]+):(\d+)$/.exec(text) ?? [];
  return { host, port: port === undefined ? DNS_PORT : Number(port) };
}
