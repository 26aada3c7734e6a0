// Which `.local` names this node announces, and on which LAN segments: on each of them one node of the house speaks for all. Pure.
import { isDnsLabel } from "../api/names.ts";
import type { IngressSettings, Table } from "../api/table.ts";
import { inNetwork, isIpv4, isIpv6 } from "./address.ts";
import type { SegmentWish } from "./mdns-responder.ts";

/** An own address and its network, such as 192.168.1.0/24. */
export interface OwnLink {
  readonly address: string;
  readonly network: string;
  /** Its name here, such as eth0. */
  readonly interface: string;
  /** All that the same interface has, each with its prefix: `fd00::10/64`. */
  readonly ipv6: readonly string[];
}

/** With where it is spoken and heard by IPv6. */
export type LinkWish = SegmentWish & { readonly byIpv6: { readonly interface: string; readonly networks: readonly string[] } };

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
export function planMdns({ table, settings, links, members }: MdnsKnown): ReadonlyMap<string, LinkWish> {
  const segments = new Map<string, LinkWish>();
  if (table === undefined || settings === undefined) return segments;
  const hosts = localHosts(table);
  const own = table.nodes[table.node]?.id ?? table.node;
  // In the order of the settings: the address of the default route comes first, and is the only one of its network.
  for (const address of settings.addresses) {
    const link = links.find((each) => each.address === address);
    if (link === undefined || segments.size >= SEGMENTS_MAX || segments.has(link.network)) continue;
    if (announcerOf(table, link.network, own) !== own) continue;
    // Link-local ones are not told: many programs lose the interface on the way, and IPv4 is there for all.
    const ipv6 = settings.addresses.filter((each) => link.ipv6.some((cidr) => cidr.startsWith(`${each}/`)));
    const byIpv6 = { interface: link.interface, networks: link.ipv6 };
    segments.set(link.network, { address, ipv6, byIpv6, hosts, members: ranks(members, link.network, own) });
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

/** By all addresses of those that have one there: by IPv6 nothing else says who they are. */
function ranks(members: Members, network: string, own: string): SegmentWish["members"] {
  const isThere = (address: string): boolean => isIpv4(address) && inNetwork(address, network);
  const there = new Set([...members].filter(([address]) => isThere(address)).map(([, id]) => id));
  const others = [...members].filter(([address, id]) => id !== own && there.has(id) && (isThere(address) || isIpv6(address)));
  return new Map(others.map(([address, id]) => [address, id < own ? "lower" : "higher"]));
}
