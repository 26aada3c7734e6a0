// Addresses of agents as the joining writes them: `host`, `host:port`, `[v6]:port`.
import { isIPv6 } from "node:net";
import type { Address } from "../../joining/messages.ts";

export const MESH_PORT = 733;

export function splitAddress(address: Address): { readonly address: string; readonly port: number } {
  const [, host, port] = /^\[([^\]]+)\](?::(\d+))?$/.exec(address) ?? (isIPv6(address) ? [] : (/^([^:]+):(\d+)$/.exec(address) ?? []));
  return { address: host ?? address, port: port === undefined ? MESH_PORT : Number(port) };
}

export function joinAddress(host: string, port: number): Address {
  if (port === MESH_PORT) return host;
  return `${isIPv6(host) ? `[${host}]` : host}:${port}`;
}

/** IPv4 as such, whatever the socket calls it. */
export function plainHost(host: string): string {
  return host.replace(/^::ffff:(?=\d+\.)/, "");
}

/** Where one that has just spoken from a host is reached: only there, whatever it says of itself. */
export function reachedAt(host: string, said: readonly Address[]): Address {
  const plain = plainHost(host);
  return said.find((each) => splitAddress(each).address === plain) ?? plain;
}
