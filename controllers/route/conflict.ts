// Two Routes may want the same name or port: the older one has it, so that nobody takes an app's name away by applying another.
import { normalPath } from "../../src/api/paths.ts";
import type { Name, Resource } from "../../src/api/resource.ts";
import type { RouteSpec } from "../../src/api/types.ts";
import { hostNames } from "../../src/api/urls.ts";
import { TLS_PORT } from "./rows.ts";

/** Only Routes that have one of these in common can want the same: whatever the zone is. */
export function bucketsOf(spec: RouteSpec): readonly string[] {
  const ports = portsOf(spec);
  if (ports === undefined) {
    const [label = ""] = spec.host?.toLowerCase().split(".") ?? [];
    return spec.host === undefined ? [] : [`${label} ${normalPath(spec.path)}`];
  }
  return Array.from({ length: ports.last - ports.first + 1 }, (_, index) => `${ports.protocol} ${ports.first + index}`);
}

/** Both want one name and path, or one port. */
export function wantSame(a: RouteSpec, b: RouteSpec, zone: string): boolean {
  const [left, right] = [portsOf(a), portsOf(b)];
  if (left === undefined || right === undefined)
    return left === right && normalPath(a.path) === normalPath(b.path) && shareName(a, b, zone);
  const meet = left.protocol === right.protocol && left.first <= right.last && right.first <= left.last && left.place === right.place;
  // Streams that are told apart by the name in them share a port.
  return meet && (a.tls === undefined || b.tls === undefined || shareName(a, b, zone));
}

/** The Route that has what this one wants. What is itself without rows stands in nobody's way. */
export function winnerOver(route: Resource<"Route">, rivals: readonly Resource<"Route">[], zone: string): Name | undefined {
  const holders: Resource<"Route">[] = [];
  for (const each of [route, ...rivals].sort(byAge)) {
    const holder = holders.find(({ spec }) => wantSame(spec, each.spec, zone));
    if (each === route) return holder?.metadata.name;
    if (holder === undefined) holders.push(each);
  }
  return undefined;
}

interface Ports {
  readonly protocol: string;
  readonly first: number;
  readonly last: number;
  /** Of the node's addresses: who names one has it, and who wants all gets the others. */
  readonly place: string;
}

/** undefined: it is reached by HTTP, on the ports that all names share. */
function portsOf({ listen, tls, allow }: RouteSpec): Ports | undefined {
  if (listen === undefined) return tls && { protocol: "tcp", first: TLS_PORT, last: TLS_PORT, place: "" };
  const { port, endPort = port, protocol, address = "" } = listen;
  const isOfApps = address === "" && allow?.length === 1 && allow[0] === "apps";
  const place = isOfApps ? "apps" : address === "0.0.0.0" || address === "::" ? "" : sameForm(address);
  return { protocol, first: port, last: endPort, place };
}

/** IPv6 can be written in many ways. */
function sameForm(address: string): string {
  return address.includes(":") ? (URL.parse(`http://[${address}]`)?.hostname ?? address) : address;
}

function shareName(a: RouteSpec, b: RouteSpec, zone: string): boolean {
  if (a.host === undefined || b.host === undefined) return false;
  const names = hostNames(a.host, zone);
  return hostNames(b.host, zone).some((name) => names.includes(name));
}

function byAge(a: Resource<"Route">, b: Resource<"Route">): number {
  if (a.metadata.creationTimestamp !== b.metadata.creationTimestamp)
    return a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
