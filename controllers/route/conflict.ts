// Two Routes may want the same name or port: the older one has it, so that nobody takes an app's name away by applying another.
import type { Name, Resource } from "../../src/api/resource.ts";
import type { RouteSpec } from "../../src/api/types.ts";

/** What only one Route can have: host and path, or ports. */
export function claimsOf({ host, path, listen }: RouteSpec): readonly string[] {
  if (listen === undefined) return host === undefined ? [] : [`${host.toLowerCase()}${path}`];
  const last = listen.endPort ?? listen.port;
  return Array.from({ length: last - listen.port + 1 }, (_, index) => `${listen.address ?? ""}:${listen.port + index}/${listen.protocol}`);
}

/** The Route that has what this one claims, if it is another. */
export function winnerOver(route: Resource<"Route">, rivals: readonly Resource<"Route">[]): Name | undefined {
  const [first] = [route, ...rivals].sort(byAge);
  return first === undefined || first.metadata.name === route.metadata.name ? undefined : first.metadata.name;
}

function byAge(a: Resource<"Route">, b: Resource<"Route">): number {
  if (a.metadata.creationTimestamp !== b.metadata.creationTimestamp)
    return a.metadata.creationTimestamp < b.metadata.creationTimestamp ? -1 : 1;
  return a.metadata.name < b.metadata.name ? -1 : 1;
}
