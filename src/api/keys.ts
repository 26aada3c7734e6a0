// Where everything lives in etcd: three prefixes with one writer each, and a few for the house itself. Pure.
import type { Kind, Name, NodeName } from "./resource.ts";

export const ROOT = "/fossora/";

export const PREFIX = {
  desired: "/fossora/desired/",
  applied: "/fossora/applied/",
  history: "/fossora/history/",
  decided: "/fossora/decided/",
  observed: "/fossora/observed/",
  nodes: "/fossora/nodes/",
  queue: "/fossora/queue/",
  house: "/fossora/house/",
  events: "/fossora/events/",
} as const;

export const keys = {
  desired: (kind: Kind, name: Name): string => `${PREFIX.desired}${kind}/${name}`,
  applied: (kind: Kind, name: Name, manager: string): string => `${PREFIX.applied}${kind}/${name}/${manager}`,
  history: (kind: Kind, name: Name, generation: number): string =>
    `${PREFIX.history}${kind}/${name}/${String(generation).padStart(10, "0")}`,
  decided: (kind: Kind, name: Name): string => `${PREFIX.decided}${kind}/${name}`,
  volume: (name: Name): string => `${PREFIX.decided}Volume/${name}`,
  observed: (kind: Kind, name: Name, node: NodeName): string => `${PREFIX.observed}${kind}/${name}/${node}`,
  node: (node: NodeName): string => `${PREFIX.nodes}${node}`,
  queued: (nodeId: string): string => `${PREFIX.queue}${nodeId}`,
  /** The one admission that is under way. */
  admission: `${PREFIX.queue}active`,
  houseNode: (nodeId: string): string => `${PREFIX.house}nodes/${nodeId}`,
  /** How patient the members' stores are: the same on all. */
  timing: `${PREFIX.house}timing`,
  invite: (id: string): string => `${PREFIX.house}invites/${id}`,
  removed: `${PREFIX.house}removed`,
  /** What signs of life are signed with. */
  gossip: `${PREFIX.house}gossip`,
  waiting: (nodeId: string): string => `${PREFIX.house}waiting/${nodeId}`,
  /** A node that belongs to the house no more, until its member, its certificates and its traces are gone. */
  leaving: (nodeId: string): string => `${PREFIX.house}leaving/${nodeId}`,
  /** Whose place a node is to take when it comes in. */
  replaces: (nodeId: string): string => `${PREFIX.house}replaces/${nodeId}`,
  event: (id: string): string => `${PREFIX.events}${id}`,
} as const;

export type ParsedKey =
  | { readonly room: "desired" | "decided"; readonly kind: Kind; readonly name: Name }
  | { readonly room: "observed"; readonly kind: Kind; readonly name: Name; readonly node: NodeName }
  | { readonly room: "node"; readonly node: NodeName }
  | { readonly room: "other" };

const KINDS: ReadonlySet<string> = new Set<Kind>(["Service", "Route", "DnsRecord", "Membership", "House"]);

/** Total: a key of a newer release, or of nobody, is `other`. */
export function parseKey(key: string): ParsedKey {
  const parts = key.startsWith(ROOT) ? key.slice(ROOT.length).split("/") : [];
  const [room, first, second, third] = parts;
  if (room === "nodes" && first && parts.length === 2) return { room: "node", node: first };
  if (first === undefined || !second || !KINDS.has(first)) return { room: "other" };
  const kind = first as Kind; // checked in the line above
  if ((room === "desired" || room === "decided") && parts.length === 3) return { room, kind, name: second };
  if (room === "observed" && third && parts.length === 4) return { room, kind, name: second, node: third };
  return { room: "other" };
}
