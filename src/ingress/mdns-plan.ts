// Which `.local` names this node announces, and on which LAN segments: on each of them one node of the house speaks for all. Pure.
import { isDnsLabel } from "../api/names.ts";
import type { IngressSettings, Table } from "../api/table.ts";
import { inNetwork, isIpv4 } from "./address.ts";
import type { SegmentWish } from "./mdns-responder.ts";

/** An own address and its network, such as 192.168.1.0/24. */
export interface OwnLink {
  readonly address: string;
  readonly network: string;
}

/** Ids of nodes by their address on a LAN. */
export type Members = ReadonlyMap<string, string>;

/** One computer is never asked to speak for more. */
const HOSTS_MAX = 512;
const SEGMENTS_MAX = 16;
const MEMBERS_MAX = 256;

/** Who was a member stays one: its ingress may go on without its agent, and is no stranger then. */
export function rememberMembers(known: Members, { nodes }: Pick<Table, "nodes">): Members {
  const seen = Object.entries(nodes).flatMap(([node, { id = node, lan }]) => lan.map((address) => [address, id] as const));
  const addresses = new Set(seen.map(([address]) => address));
  return new Map([...[...known].filter(([address]) => !addresses.has(address)), ...seen].slice(-MEMBERS_MAX));
}

export interface MdnsKnown {
  readonly table: Pick<Table, "node" | "nodes" | "http" | "streams"> | undefined;
  readonly settings: IngressSettings["mdns"];
  readonly links: readonly OwnLink[];
  readonly members: Members;
}

/** By network. */
export function planMdns({ table, settings, links, members }: MdnsKnown): ReadonlyMap<string, SegmentWish> {
  const segments = new Map<string, SegmentWish>();
  if (table === undefined || settings === undefined) return segments;
  const hosts = localHosts(table);
  const own = table.nodes[table.node]?.id ?? table.node;
  // In the order of the settings: the address of the default route comes first, and is the only one of its network.
  for (const address of settings.addresses) {
    const network = links.find((link) => link.address === address)?.network;
    if (network === undefined || segments.size >= SEGMENTS_MAX || segments.has(network)) continue;
    if (announcerOf(table, network, own) === own) segments.set(network, { address, hosts, members: ranks(members, network, own) });
  }
  return segments;
}

/** The lowest id of the live nodes that share the network; this node is one of them. */
export function announcerOf({ nodes }: Pick<Table, "nodes">, network: string, own: string): string {
  const sharing = Object.entries(nodes).filter(([, { lan }]) => lan.some((address) => inNetwork(address, network)));
  return sharing.map(([node, { id = node }]) => id).reduce((lowest, id) => (id < lowest ? id : lowest), own);
}

/** `jellyfin` for `jellyfin.local`. A node's own name belongs to its operating system. */
export function localHosts({ nodes, http, streams }: Pick<Table, "nodes" | "http" | "streams">): readonly string[] {
  const hosts = [...http, ...streams].map(({ host = "" }) => host.replace(/\.local$/, ""));
  const announced = hosts.filter((host) => isDnsLabel(host) && nodes[host] === undefined);
  return [...new Set(announced)].sort().slice(0, HOSTS_MAX);
}

function ranks(members: Members, network: string, own: string): SegmentWish["members"] {
  const others = [...members].filter(([address, id]) => id !== own && isIpv4(address) && inNetwork(address, network));
  return new Map(others.map(([address, id]) => [address, id < own ? "lower" : "higher"]));
}
