// Ports that listen on an address of one computer alone: whatever moves, nobody else answers there.
import { canonicalAddress } from "../api/addresses.ts";
import type { BoundPort } from "../api/moves.ts";
import type { NodeName, Resource } from "../api/resource.ts";
import type { ObjectReader } from "./ports.ts";

/** By whose they are and where. Of Services that are to run, and of Routes. */
export function boundPorts(node: NodeName, reader: Pick<ObjectReader, "all" | "desired" | "nodes">): readonly BoundPort[] {
  const elsewhere = new Set([...reader.nodes().keys()].filter((name) => name !== node).flatMap((name) => addressesOf(name, reader)));
  const own = new Set(addressesOf(node, reader).filter((address) => !elsewhere.has(address)));
  const bound = [...reader.all("Route")].flatMap((route): readonly BoundPort[] => {
    const { listen } = route.spec;
    if (listen?.address === undefined || !own.has(canonicalAddress(listen.address)) || isStopped(route, reader)) return [];
    return [{ name: route.metadata.owner?.toLowerCase() ?? `route/${route.metadata.name}`, at: placeOf(listen.address, listen) }];
  });
  return bound.toSorted((a, b) => (`${a.name} ${a.at}` < `${b.name} ${b.at}` ? -1 : 1));
}

function addressesOf(node: NodeName, reader: Pick<ObjectReader, "nodes">): readonly string[] {
  const { lan = [], tailnet = [] } = reader.nodes().get(node)?.value.addresses ?? {};
  return [...lan, ...tailnet].map(canonicalAddress);
}

function isStopped({ spec: { to } }: Resource<"Route">, reader: Pick<ObjectReader, "desired">): boolean {
  return "service" in to && reader.desired("Service", to.service)?.spec.replicas === 0;
}

function placeOf(address: string, { port, endPort, protocol }: NonNullable<Resource<"Route">["spec"]["listen"]>): string {
  const host = address.includes(":") ? `[${address}]` : address;
  return `${host}:${endPort === undefined ? port : `${port}-${endPort}`}/${protocol}`;
}
