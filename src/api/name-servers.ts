// Of a host's own name servers: who can be asked by whom. Pure.
import { isIpv4, isLoopback } from "./addresses.ts";

/** A container's resolver asks three at most, and the first is the house. */
const OF_CONTAINERS_MAX = 2;
const DNS_PORT = 53;

interface Listener {
  readonly protocol: string;
  readonly address: string;
  readonly port: number;
}

/** Containers have IPv4 alone, and a loopback of their own. */
export function forContainers(servers: readonly string[]): readonly string[] {
  return servers.filter((server) => isIpv4(server) && !isLoopback(server)).slice(0, OF_CONTAINERS_MAX);
}

/** Those of which the house's ingress, on the host's own network, can ask: all but itself. A host's other resolver may have the port beside it. */
export function forIngress(servers: readonly string[], listeners: readonly Listener[]): readonly string[] {
  const isHouse = (server: string): boolean =>
    listeners.some(({ protocol, address, port }) => protocol === "dns" && address === server && port === DNS_PORT);
  return servers.filter((server) => !isHouse(server));
}
