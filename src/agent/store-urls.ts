// Where a member says that its store is reached: at its LAN addresses, and at its tailnet's for members that share no LAN with it. Pure.
import { isIpv4, isTailnet } from "../ingress/address.ts";

export const loopback = "127.0.0.1";
/** A computer with many links names two. */
const LAN_MAX = 2;

export function clientUrls(addresses: readonly string[], port: number): readonly string[] {
  return advertised(addresses).map((address) => urlOf(address, port));
}

/**
 * etcd tries a member's URLs in the order of their text, where a bracket comes behind all digits: thus the LAN's are tried first. The same
 * text while the LAN is away for a moment, so that this is no move.
 */
export function peerUrls(addresses: readonly string[], port: number): readonly string[] {
  const isLast = (address: string): boolean => isTailnet(address) && isIpv4(address);
  return advertised(addresses).map((address) => urlOf(isLast(address) ? `::ffff:${address}` : address, port));
}

export function urlOf(address: string, port: number): string {
  return `https://${isIpv4(address) ? address : `[${address}]`}:${port}`;
}

function advertised(addresses: readonly string[]): readonly string[] {
  const lan = addresses.filter((address) => !isTailnet(address)).slice(0, LAN_MAX);
  const tailnet = addresses.find((address) => isTailnet(address));
  const all = tailnet === undefined ? lan : [...lan, tailnet];
  return all.length === 0 ? [loopback] : all;
}
