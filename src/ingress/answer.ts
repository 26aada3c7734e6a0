// One DNS question, one answer: authoritative, always the same for the same table and the same place it was asked from. Pure.
import type { DnsAnswer, RecordData, RecordRow } from "../api/dns-reply.ts";
import type { NodeName } from "../api/resource.ts";
import type { NodeAddresses } from "../api/table.ts";
import { inNetwork, isIpv4, isIpv6, isLoopback, isTailnet, nearness } from "./address.ts";
import { lowerCase } from "./record.ts";
import type { Zone, ZoneName } from "./zone.ts";

export interface Question {
  /** As asked, whatever the case. */
  readonly name: string;
  /** `A`, `AAAA`, ... or the codec's word for a type that nobody knows. */
  readonly type: string;
}

/** Where a question came from: it decides which of a node's addresses are of use there. */
export interface View {
  readonly from: "lan" | "tailnet" | "container" | "loopback";
  /** The local address that was asked; the gateway, for containers. */
  readonly asked: string;
  /** Of this computer: `192.168.1.10/24`. Absent: unknown. */
  readonly networks?: readonly string[];
}

/** Seconds: of apps' names, and how long a missing name is remembered. */
const TTL = 5;
const ADDRESSES_MAX = 4;
const ALIASES_MAX = 8;
/** IPv6 addresses that share fewer have nothing to do with each other. */
const SITE_BITS = 48;

const REFUSED: DnsAnswer = { rcode: "REFUSED", authoritative: false, answers: [], authorities: [] };
const SERVFAIL: DnsAnswer = { rcode: "SERVFAIL", authoritative: false, answers: [], authorities: [] };

export interface ContainerNetworks {
  readonly gateway: string;
  readonly subnets: readonly string[];
}

export function viewOf(asked: string, client: string, own: NodeAddresses | undefined, containers: ContainerNetworks | undefined): View {
  if (containers !== undefined && isContainer(client, containers)) return { from: "container", asked: containers.gateway };
  if (isLoopback(client)) return { from: "loopback", asked };
  if (own?.tailnet.includes(asked) || isTailnet(client)) return { from: "tailnet", asked };
  return { from: "lan", asked };
}

/** The gateway itself is no container: the host asks from there. */
export function isContainer(client: string, containers: ContainerNetworks): boolean {
  return client !== containers.gateway && containers.subnets.some((subnet) => inNetwork(client, subnet));
}

/** `zone` is absent until the first table: a made-up "no such name" would be remembered by whoever asked all name servers. */
export function answer(zone: Zone | undefined, question: Question, view: View): DnsAnswer {
  if (zone === undefined) return SERVFAIL;
  const name = plainName(question.name);
  if (zone.originOf(name) === undefined || question.type === "AXFR" || question.type === "IXFR") return REFUSED;
  return resolve(zone, { ...question, name }, view);
}

/** As the zone has it: lower case, no trailing dot. */
export function plainName(name: string): string {
  return lowerCase(name).replace(/\.$/, "");
}

function resolve(zone: Zone, question: Question, view: View): DnsAnswer {
  const answers: RecordRow[] = [];
  // The first name is repeated as it was asked: some resolvers mix the case and check it. The codec restores it.
  let name = question.name;
  for (let hop = 0; hop < ALIASES_MAX; hop += 1) {
    const found = zone.lookup(name);
    if (found === undefined) return negative(zone, name, "NXDOMAIN", answers);
    const rows = rowsOf(zone, found, question.type, view, name);
    const alias = rows.length === 0 && question.type !== "CNAME" ? found.records.find((record) => record.type === "CNAME") : undefined;
    if (alias?.type !== "CNAME") {
      answers.push(...rows.map((row) => ({ ...row, name })));
      return rows.length === 0
        ? negative(zone, name, "NOERROR", answers)
        : { rcode: "NOERROR", authoritative: true, answers, authorities: [] };
    }
    answers.push({ ...alias, name });
    if (zone.originOf(alias.data) === undefined)
      return { rcode: "NOERROR", authoritative: true, answers, authorities: [], outside: alias.data };
    name = alias.data;
  }
  return { rcode: "NOERROR", authoritative: true, answers, authorities: [] };
}

function negative(zone: Zone, name: string, rcode: "NOERROR" | "NXDOMAIN", answers: readonly RecordRow[]): DnsAnswer {
  return { rcode, authoritative: true, answers, authorities: [{ name: zone.originOf(name) ?? zone.origin, ...soa(zone) }] };
}

type Row = RecordData & { readonly ttl: number };

function rowsOf(zone: Zone, found: ZoneName, type: string, view: View, name: string): readonly Row[] {
  // RFC 8482: a short answer of our own instead of everything.
  if (type === "ANY") return [{ type: "HINFO", ttl: TTL, data: { cpu: "RFC8482", os: "" } }];
  if (type === "SOA" && name === zone.originOf(name)) return [soa(zone)];
  if (name === zone.origin && type === "NS") return [{ type: "NS", ttl: TTL, data: `ns.${zone.origin}` }];
  const written = found.records.filter((record) => record.type === type);
  // Addresses that a person wrote for a name stand before those of the house.
  if ((type !== "A" && type !== "AAAA") || written.length > 0 || found.house === undefined) return written;
  if (found.records.some((record) => record.type === "CNAME")) return [];
  return houseAddresses(zone, found.house, { type, view }).map((data) => ({ type, ttl: TTL, data }));
}

interface Wanted {
  readonly type: "A" | "AAAA";
  readonly view: View;
}

function houseAddresses(zone: Zone, house: NonNullable<ZoneName["house"]>, { type, view }: Wanted): readonly string[] {
  // Networks of containers have IPv4 alone.
  if (view.from === "container" && type === "AAAA") return [];
  if (view.from === "container" && house.what === "app") return [view.asked];
  const nodes = view.from === "lan" ? nearFirst(zone, house.nodes, view) : house.nodes;
  const addresses = nodes.flatMap((node) => {
    const usable = usableFrom(zone.nodes[node], { type, view });
    // Nobody but this computer asks on loopback: without a network it still reaches its own apps.
    return usable ?? (view.from === "loopback" && type === "A" && node === zone.node ? "127.0.0.1" : []);
  });
  return [...new Set(addresses)].slice(0, ADDRESSES_MAX);
}

/**
 * Nodes in the network that was asked, and the asked one, which was just reached and leads to every app. Nodes of other networks stay, but
 * behind: whether a router leads there (VLANs of one house) nobody knows. Where one does, they are the way in when the asked node is lost;
 * where none does, who comes to them has no other way left.
 */
function nearFirst(zone: Zone, nodes: readonly NodeName[], { asked, networks = [] }: View): readonly NodeName[] {
  const around = networks.filter((network) => inNetwork(asked, network));
  const isNear = (node: NodeName): boolean =>
    node === zone.node || zone.nodes[node]?.lan.some((address) => around.some((network) => inNetwork(address, network))) === true;
  return [...nodes.filter(isNear), ...nodes.filter((node) => !isNear(node))];
}

/** One node's address, the nearest to where it was asked. A LAN cannot reach the tailnet, so that is no answer there. */
function usableFrom(node: NodeAddresses | undefined, { type, view }: Wanted): string | undefined {
  const isWanted = type === "A" ? isIpv4 : isIpv6;
  const near = (address: string): number => {
    const bits = nearness(address, view.asked);
    return type === "AAAA" && bits < SITE_BITS ? -1 : bits;
  };
  const lan = node?.lan.filter(isWanted).toSorted((a, b) => near(b) - near(a)) ?? [];
  const tailnet = node?.tailnet.filter(isWanted) ?? [];
  switch (view.from) {
    case "lan":
      return lan[0];
    case "tailnet":
      return tailnet[0];
    case "container":
    case "loopback":
      return lan[0] ?? tailnet[0];
  }
}

function soa(zone: Zone): Row & { readonly type: "SOA" } {
  const data = {
    mname: `ns.${zone.origin}`,
    rname: `hostmaster.${zone.origin}`,
    serial: zone.serial,
    refresh: 3600,
    retry: 600,
    expire: 86_400,
    minimum: TTL,
  };
  return { type: "SOA", ttl: TTL, data };
}
