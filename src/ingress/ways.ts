// How the ingresses of the house's other nodes are reached, and what of this node they may reach. Pure.
import type { NodeName } from "../api/resource.ts";
import type { Backend, NodeAddresses, Table } from "../api/table.ts";
import { isIpv4, nearness } from "./address.ts";

const MESH_PORT = 734;
const NODES_MAX = 256;

export interface WayNode {
  readonly nodeId: string;
  /** Best first: a LAN that both are in, other LANs, the tailnet. */
  readonly addresses: readonly { readonly host: string; readonly port: number }[];
}

export type WayNodes = ReadonlyMap<NodeName, WayNode>;

/** A node that announces itself no more is asked all the same whether it is there: its agent may be silent, and its ingress alive. */
export function rememberWays(known: WayNodes, { node, nodes }: Pick<Table, "node" | "nodes">): WayNodes {
  const own = nodes[node]?.lan ?? [];
  const told = Object.entries(nodes).flatMap(([name, each]) => {
    const way = name === node ? undefined : wayTo(each, own);
    return way === undefined ? [] : [[name, way] as const];
  });
  const before = [...known].filter(([name]) => name !== node && nodes[name] === undefined);
  return new Map([...before, ...told].slice(-NODES_MAX));
}

function wayTo({ id, lan, tailnet, meshPort = MESH_PORT }: NodeAddresses, own: readonly string[]): WayNode | undefined {
  if (id === undefined) return undefined; // a table of an earlier release: nobody could tell who answers
  const near = (address: string): number => Math.max(-1, ...own.filter(isIpv4).map((each) => nearness(address, each)));
  const ordered = [...lan.filter(isIpv4).toSorted((a, b) => near(b) - near(a)), ...lan.filter((each) => !isIpv4(each)), ...tailnet];
  return { nodeId: id, addresses: ordered.map((host) => ({ host, port: meshPort })) };
}

export function isWayAddress(ways: WayNodes, address: string): boolean {
  return [...ways.values()].some(({ addresses }) => addresses.some(({ host }) => host === address));
}

/** An instance as its own node dials it. */
export interface Place {
  readonly instance: string;
  readonly host: string;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
}

/** All that other nodes may be led to: instances of this node, at the ports that a row of the table names. */
export function ownPlaces({ node, http, streams, resolver }: Pick<Table, "node" | "http" | "streams" | "resolver">): ReadonlySet<string> {
  const own = (backends: readonly Backend[]): readonly Backend[] =>
    backends.filter((backend) => backend.node === node && backend.instance !== "");
  const places = [
    ...http.flatMap(({ backends }) => own(backends).map((backend) => ({ ...backend, protocol: "tcp" as const }))),
    ...streams.flatMap(({ backends, protocol }) => own(backends).map((backend) => ({ ...backend, protocol }))),
    ...(resolver?.upstreams ?? []).flatMap(({ host, port, tcpPort = port, node: where, instance = "" }) =>
      where !== node || instance === ""
        ? []
        : [
            { instance, host, port, protocol: "udp" as const },
            { instance, host, port: tcpPort, protocol: "tcp" as const },
          ],
    ),
  ];
  return new Set(places.map(placeKey));
}

/** Instances of this node that the next request may be led to. */
export function ownInstances(table: Pick<Table, "node" | "http" | "streams"> | undefined): readonly string[] {
  const backends = [...(table?.http ?? []), ...(table?.streams ?? [])].flatMap((route) => route.backends);
  return backends.flatMap(({ node, instance }) => (node === table?.node && instance !== "" ? [instance] : []));
}

export function placeKey({ instance, host, port, protocol }: Place): string {
  return `${protocol} ${instance} ${host} ${port}`;
}
