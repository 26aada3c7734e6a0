// Whom this node asks for names outside, in the order in which they are asked: never the house itself, or a question would go round.
import type { Name } from "../../src/api/resource.ts";
import type { ResolverUpstream } from "../../src/api/table.ts";
import type { HouseSpec } from "../../src/api/types.ts";
import { parseUpstream } from "../../src/api/upstream.ts";
import type { App, ResolverFacts } from "./facts.ts";

export type ResolverSpec = NonNullable<HouseSpec["resolver"]>;

export interface Choice {
  readonly upstreams: readonly ResolverUpstream[];
  /** Addresses of the house itself, which are left out. */
  readonly own: readonly string[];
  /** Why apps are not asked, in words. */
  readonly missing: readonly string[];
  /** The host itself has no other name server than this house, which answers nodes for its own names only. */
  readonly hostAsksHouse: boolean;
}

const DNS_PORT = 53;

export function chooseUpstreams({ upstream, fallback }: ResolverSpec, facts: ResolverFacts): Choice {
  const hosts = facts.hostServers.map((host) => ({ host, port: DNS_PORT }));
  const missing: string[] = [];
  const named = (upstream === "host" ? [] : upstream).flatMap((text): readonly ResolverUpstream[] => {
    const parsed = parseUpstream(text);
    if (parsed === undefined) return [];
    if ("host" in parsed) return [parsed];
    const found = appUpstreams(parsed.service, facts.apps[parsed.service], parsed.port);
    if (found.length === 0) missing.push(whyMissing(parsed.service, facts.apps[parsed.service], parsed.port));
    return found;
  });
  const wanted = [...named, ...(upstream === "host" || fallback === "host" ? hosts : [])];
  const own = wanted.filter((each) => isOwn(each, facts));
  const others = wanted.filter((each) => !own.includes(each));
  return {
    upstreams: others.filter((one, index) => others.findIndex((each) => isSame(each, one)) === index),
    own: [...new Set(own.map(({ host }) => host))],
    missing,
    hostAsksHouse: hosts.length > 0 && hosts.every((each) => isOwn(each, facts)),
  };
}

/** Two nodes may use the same addresses for their apps. */
function isSame(a: ResolverUpstream, b: ResolverUpstream): boolean {
  return a.host === b.host && a.port === b.port && a.node === b.node;
}

/** On loopback others answer as well, such as a resolver of the host's own: there the house is only where it really listens. */
function isOwn({ host, port }: ResolverUpstream, { houseAddresses, dnsListeners }: ResolverFacts): boolean {
  const isHere = dnsListeners.some((each) => each.address === host && each.port === port);
  return isHere || (houseAddresses.includes(host) && (port === DNS_PORT || dnsListeners.some((each) => each.port === port)));
}

function appUpstreams(name: Name, app: App | undefined, port: number): readonly ResolverUpstream[] {
  const { spec } = app?.service ?? {};
  const container = spec?.port?.container ?? spec?.containers[0]?.name ?? "";
  return (app?.ready ?? []).flatMap(({ node, instance: { id, addresses, published } }): readonly ResolverUpstream[] => {
    const which = { isApp: true, node, instance: `${name}-${id}` };
    const host = addresses[container];
    if (host === undefined) return [];
    const ports = published?.[container];
    if (ports === undefined) return [{ host, port, ...which }];
    // Where ports are published, any other one of 127.0.0.1 is somebody else's.
    const [udp, tcp] = [ports[`${port}/udp`], ports[`${port}/tcp`]];
    return udp === undefined ? [] : [{ host, port: udp, ...(tcp !== undefined && { tcpPort: tcp }), ...which }];
  });
}

function whyMissing(name: Name, app: App | undefined, port: number): string {
  if (app?.service === undefined) return `there is no Service '${name}'`;
  if (app.ready.length > 0) return `service ${name} has no port ${port}/udp that can be reached`;
  return `service ${name} is not ready`;
}
