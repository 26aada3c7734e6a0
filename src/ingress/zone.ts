// The zone as a tree of names, compiled once a table: which names exist, what they hold, which wildcard covers the rest. Names outside that
// a person gave records are each a small zone of their own, and so are the reverse names of the nodes. Pure.
import type { RecordData } from "../api/dns-reply.ts";
import type { HouseName, NodeAddresses, Table } from "../api/table.ts";
import type { NodeName } from "../api/resource.ts";
import { reverseName } from "./address.ts";
import { dnsName, parseRecord } from "./record.ts";

export interface ZoneName {
  readonly records: readonly (RecordData & { readonly ttl: number })[];
  /** Nodes whose addresses answer for it. */
  readonly house?: { readonly nodes: readonly NodeName[]; readonly what: "app" | "node" };
}

export interface Zone {
  readonly origin: string;
  readonly serial: number;
  readonly node: NodeName;
  readonly nodes: Readonly<Record<NodeName, NodeAddresses>>;
  /** The zone that the name is in, of those that this house answers for; undefined: of none. */
  originOf(name: string): string | undefined;
  /** The name itself, or the wildcard that covers it (RFC 4592: only below its closest existing ancestor). */
  lookup(name: string): ZoneName | undefined;
}

const EMPTY: ZoneName = { records: [] };
/** Seconds, of names that follow from where nodes are. */
const TTL = 5;

export function compileZone(table: Pick<Table, "zone" | "revision" | "node" | "nodes" | "records" | "houseNames">): Zone {
  const origin = dnsName(table.zone) ?? table.zone;
  const names = new Map<string, ZoneName>([[origin, EMPTY]]);
  const add = (name: string, more: ZoneName): void => {
    const known = names.get(name) ?? EMPTY;
    names.set(name, { ...known, ...more, records: [...known.records, ...more.records] });
    // Every name above exists too, even if it holds nothing: below them NXDOMAIN would be a lie (RFC 8020).
    for (let parent = parentOf(name); isBelow(parent, origin) && !names.has(parent); parent = parentOf(parent)) names.set(parent, EMPTY);
  };
  for (const entry of ownNames(table, origin)) add(entry.name, { records: [], house: { nodes: entry.nodes, what: "node" } });
  for (const entry of table.houseNames) {
    const name = dnsName(entry.name);
    if (name !== undefined && isBelow(name, origin)) add(name, { records: [], house: { nodes: entry.nodes, what: "app" } });
  }
  for (const entry of table.records) {
    const name = dnsName(entry.name);
    const data = entry.values.map((value) => parseRecord(entry.type, value)).filter((parsed) => parsed !== undefined);
    if (name !== undefined) add(name, { records: data.map((record) => ({ ...record, ttl: entry.ttl })) });
  }
  for (const [name, data] of reverseNames(table, origin)) {
    if (!names.has(name)) add(name, { records: [{ type: "PTR", data, ttl: TTL }] });
  }
  const covering = (name: string): string => {
    let ancestor = parentOf(name);
    while (ancestor !== "" && !names.has(ancestor) && !names.has(`*.${ancestor}`)) ancestor = parentOf(ancestor);
    return ancestor;
  };
  return {
    origin,
    serial: table.revision % 2 ** 32,
    node: table.node,
    nodes: table.nodes,
    originOf(name) {
      if (isBelow(name, origin)) return origin;
      if (names.has(name)) return name;
      const ancestor = covering(name);
      return names.has(`*.${ancestor}`) ? ancestor : undefined;
    },
    lookup: (name) => names.get(name) ?? names.get(`*.${covering(name)}`),
  };
}

/** `name` is `origin` or below it. */
export function isBelow(name: string, origin: string): boolean {
  return name === origin || name.endsWith(`.${origin}`);
}

function parentOf(name: string): string {
  const dot = name.indexOf(".");
  return dot < 0 ? "" : name.slice(dot + 1);
}

/** Names that every zone has: its name server (this node), and each node as `<node>.node.<zone>`. */
function ownNames(table: Pick<Table, "node" | "nodes">, origin: string): readonly HouseName[] {
  const nodes = Object.keys(table.nodes).map((node) => ({ name: `${node}.node.${origin}`, nodes: [node] }));
  return [{ name: `ns.${origin}`, nodes: [table.node] }, ...nodes];
}

/** Of the nodes' addresses, and of no others: the router knows the rest. */
function reverseNames(table: Pick<Table, "nodes">, origin: string): readonly (readonly [string, string])[] {
  return Object.entries(table.nodes).flatMap(([node, { lan, tailnet }]) =>
    [...lan, ...tailnet].flatMap((address) => {
      const name = reverseName(address);
      return name === undefined ? [] : [[name, `${node}.node.${origin}`] as const];
    }),
  );
}
