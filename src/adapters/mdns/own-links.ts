// The IPv4 addresses that this computer has right now, with their networks.
import net from "node:net";
import os from "node:os";

export interface OwnLink {
  readonly address: string;
  /** Such as 192.168.1.0/24. */
  readonly network: string;
}

/** Longer ones have nobody else in them. */
const PREFIX_MAX = 30;

export function ownLinks(interfaces: NodeJS.Dict<os.NetworkInterfaceInfo[]> = os.networkInterfaces()): readonly OwnLink[] {
  const addresses = Object.values(interfaces).flatMap((each) => each ?? []);
  return addresses.flatMap(({ address, netmask, internal, cidr }) => {
    const prefix = Number(cidr?.split("/")[1]);
    if (internal || !net.isIPv4(address) || !(prefix <= PREFIX_MAX)) return [];
    return [{ address, network: `${masked(address, netmask)}/${prefix}` }];
  });
}

function masked(address: string, netmask: string): string {
  const mask = netmask.split(".").map(Number);
  return address
    .split(".")
    .map((byte, index) => Number(byte) & (mask[index] ?? 0))
    .join(".");
}
