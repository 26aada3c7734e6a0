// What `fossora dns` needs to know: which computers of the house should answer, where, and for which apps.
import type { DnsFacts, DnsNode } from "../api/dns-facts.ts";
import type { NodeName } from "../api/resource.ts";
import type { NodeRecord } from "../api/state.ts";
import type { DnsRecordStatus } from "../api/status.ts";
import type { IngressStatus } from "../api/table.ts";
import type { ServerPorts } from "./ports.ts";

const ANSWERS_WITHIN_MS = 2_000;
const APPS_MAX = 1_000;
/** A resolver that the host keeps for itself there is in nobody's way. */
const LOOPBACK = "127.";

export async function dnsFacts(ports: ServerPorts, signal: AbortSignal): Promise<DnsFacts> {
  const { reader, identity, ingress } = ports;
  const soon = AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN_MS)]);
  const status = await ingress.status(soon).catch(() => undefined);
  const own = (status?.listeners ?? ports.listeners() ?? []).filter(({ protocol }) => protocol === "dns");
  const house = [...reader.all("House")][0]?.spec;
  const nodes = [...reader.nodes()].map(([name, { value }]) =>
    nodeOf(ports, name, value, name === identity.node ? own.filter(({ address }) => !address.startsWith(LOOPBACK)) : []),
  );
  return {
    kind: "DnsFacts",
    zone: house?.zone ?? "",
    node: identity.node,
    nodes: nodes.sort((a, b) => (a.name < b.name ? -1 : 1)),
    resolves: house?.resolver?.serve ?? [],
    apps: [...appsOf(ports)].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, APPS_MAX),
    localNames: status?.localNames ?? [],
  };
}

/** `listeners` are known of this node alone, and newer than what it has told everybody. */
function nodeOf(
  ports: ServerPorts,
  name: NodeName,
  { addresses, ports: held }: NodeRecord,
  listeners: IngressStatus["listeners"],
): DnsNode {
  const conditions = ports.statusReader.status("Membership", name)?.conditions ?? [];
  const told = conditions.find(({ type, status }) => type === "DnsPortHeld" && status === "False")?.message;
  const seen = [...new Set(listeners.flatMap(({ problem }) => problem ?? []))].join("; ");
  const problem = listeners.length === 0 ? told : seen === "" ? undefined : (told ?? seen);
  const port = listeners[0]?.port ?? held.dns;
  return {
    name,
    lan: addresses.lan,
    tailnet: addresses.tailnet,
    ...(port !== undefined && { port }),
    ...(problem !== undefined && { problem }),
  };
}

/** Names that follow from Routes: what a person wrote by hand may lead anywhere. */
function* appsOf({ reader, statusReader }: ServerPorts): Iterable<DnsFacts["apps"][number]> {
  for (const { kind, metadata, spec } of reader.all("DnsRecord")) {
    if (spec.type !== "A" || metadata.owner === undefined) continue;
    const status = statusReader.status(kind, metadata.name) as DnsRecordStatus | undefined; // the kind says which
    const isReady = status?.conditions.some(({ type, status: is }) => type === "Ready" && is === "True") ?? false;
    if (status !== undefined && isReady) yield { name: metadata.name, fqdn: status.fqdn, addresses: status.answers };
  }
}
