// Which `.local` names this node announces, and on which LAN segments: on each of them one node of the house speaks for all, and the others
// hold their sockets, so that it is known who could. Pure.
import { isDnsLabel } from "../api/names.ts";
import type { IngressSettings, NodeAddresses, Table } from "../api/table.ts";
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

export interface Member {
  readonly id: string;
  /** Who announces before others, as a text that sorts; absent: an earlier release, which knows of ids alone. */
  readonly order?: string;
}

/** Nodes by their address on a LAN. */
export type Members = ReadonlyMap<string, Member>;

/** One computer is never asked to speak for more. */
const HOSTS_MAX = 512;
const SEGMENTS_MAX = 16;
const MEMBERS_MAX = 256;
/** A URL without a port leads there. */
const HTTP_PORT = 80;

/** Who was a member stays one: its ingress may go on without its agent, and is no stranger then. */
export function rememberMembers(known: Members, { nodes }: Pick<Table, "nodes">): Members {
  const seen = Object.entries(nodes).flatMap(([node, each]) => each.lan.map((address) => [address, memberOf(node, each)] as const));
  const addresses = new Set(seen.map(([address]) => address));
  return new Map([...[...known].filter(([address]) => !addresses.has(address)), ...seen].slice(-MEMBERS_MAX));
}

function memberOf(node: string, { id = node, httpPort, announces }: NodeAddresses): Member {
  return announces === undefined ? { id } : { id, order: `${httpPort === HTTP_PORT ? 0 : 1} ${id}` };
}

function isBefore(a: Member, b: Member): boolean {
  return a.order === undefined || b.order === undefined ? a.id < b.id : a.order < b.order;
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
  const own = memberOf(table.node, table.nodes[table.node] ?? { lan: [], tailnet: [] });
  // In the order of the settings: the address of the default route comes first, and is the only one of its network.
  for (const address of settings.addresses) {
    const link = links.find((each) => each.address === address);
    if (link === undefined || segments.size >= SEGMENTS_MAX || segments.has(link.network)) continue;
    const isAnnouncer = announcerOf(table, link.network, own.id) === own.id;
    // Link-local ones are not told: many programs lose the interface on the way, and IPv4 is there for all.
    const ipv6 = settings.addresses.filter((each) => link.ipv6.some((cidr) => cidr.startsWith(`${each}/`)));
    const byIpv6 = { interface: link.interface, networks: link.ipv6 };
    const others = ranks(members, link.network, own);
    const here = new Set([address, ...ipv6, ...others.keys()]);
    const elsewhere = [...new Set([...members.keys(), ...settings.addresses])].filter(
      (each) => !here.has(each) && !isThere(each, link.network),
    );
    segments.set(link.network, { address, ipv6, byIpv6, hosts: isAnnouncer ? hosts : [], members: others, elsewhere });
  }
  return segments;
}

/**
 * Of the live nodes that share the network one that can announce there, if any can, and of these one that holds port 80; the lowest id of
 * what is left. While one of them has an earlier release, which chooses by ids alone, all do so.
 */
export function announcerOf({ nodes }: Pick<Table, "nodes">, network: string, own: string): string {
  const isThere = (address: string): boolean => inNetwork(address, network);
  const sharing = Object.entries(nodes).filter(([, { lan }]) => lan.some(isThere));
  const isMixed = sharing.some(([, { announces }]) => announces === undefined);
  const able = isMixed ? [] : sharing.filter(([, { announces }]) => announces?.some(isThere));
  const isFirst = isMixed ? (a: Member, b: Member): boolean => a.id < b.id : isBefore;
  const [one, ...others] = (able.length > 0 ? able : sharing).map((each) => memberOf(...each));
  return one === undefined ? own : others.reduce((first, each) => (isFirst(each, first) ? each : first), one).id;
}

/** `jellyfin` for `jellyfin.local`. A node's own name belongs to its operating system. */
export function localHosts({ nodes, http, streams }: Pick<Table, "nodes" | "http" | "streams">): readonly string[] {
  const hosts = [...http, ...streams].map(({ host = "" }) => host.replace(/\.local$/, ""));
  const announced = hosts.filter((host) => isDnsLabel(host) && nodes[host] === undefined);
  return [...new Set(announced)].sort().slice(0, HOSTS_MAX);
}

/** By all addresses of those that have one there: by IPv6 nothing else says who they are. */
function ranks(members: Members, network: string, own: Member): SegmentWish["members"] {
  const there = new Set([...members].filter(([address]) => isThere(address, network)).map(([, { id }]) => id));
  const others = [...members].filter(
    ([address, { id }]) => id !== own.id && there.has(id) && (isThere(address, network) || isIpv6(address)),
  );
  return new Map(others.map(([address, each]) => [address, isBefore(each, own) ? "lower" : "higher"]));
}

function isThere(address: string, network: string): boolean {
  return isIpv4(address) && inNetwork(address, network);
}
