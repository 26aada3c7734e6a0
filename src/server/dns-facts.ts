// What `fossora dns` needs to know: which computers of the house should answer, where, and for which apps.
import type { DnsFacts } from "../api/dns-facts.ts";
import type { DnsRecordStatus } from "../api/status.ts";
import type { ServerPorts } from "./ports.ts";

const ANSWERS_WITHIN_MS = 2_000;
const APPS_MAX = 1_000;

export async function dnsFacts(ports: ServerPorts, signal: AbortSignal): Promise<DnsFacts> {
  const { reader, identity, ingress } = ports;
  const soon = AbortSignal.any([signal, AbortSignal.timeout(ANSWERS_WITHIN_MS)]);
  const status = await ingress.status(soon).catch(() => undefined);
  const own = (status?.listeners ?? ports.listeners() ?? []).filter(({ protocol }) => protocol === "dns");
  const [ownPort] = own.map(({ port }) => port);
  const nodes = [...reader.nodes()].map(([name, { value }]) => {
    const port = name === identity.node ? ownPort : value.ports.dns;
    return { name, lan: value.addresses.lan, tailnet: value.addresses.tailnet, ...(port !== undefined && { port }) };
  });
  return {
    kind: "DnsFacts",
    zone: [...reader.all("House")][0]?.spec.zone ?? "",
    node: identity.node,
    nodes: nodes.sort((a, b) => (a.name < b.name ? -1 : 1)),
    listeners: own,
    apps: [...appsOf(ports)].sort((a, b) => (a.name < b.name ? -1 : 1)).slice(0, APPS_MAX),
    localNames: status?.localNames ?? [],
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
