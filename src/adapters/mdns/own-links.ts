// The IPv4 addresses that this computer has right now, with their networks, and what the same interface has by IPv6.
import net from "node:net";
import os from "node:os";

export interface OwnLink {
  readonly address: string;
  /** Such as 192.168.1.0/24. */
  readonly network: string;
  /** Such as eth0. */
  readonly interface: string;
  /** Each with how much of it is the network's: `fd00::10/64`. Link-local ones among them. */
  readonly ipv6: readonly string[];
}

/** Longer ones have nobody else in them. */
const PREFIX_MAX = 30;

export function ownLinks(interfaces: NodeJS.Dict<os.NetworkInterfaceInfo[]> = os.networkInterfaces()): readonly OwnLink[] {
  return Object.entries(interfaces).flatMap(([name, infos = []]) => {
    const ipv6 = infos.flatMap(({ address, cidr }) => (net.isIPv6(address) && cidr !== null ? [cidr] : []));
    return infos.flatMap(({ address, netmask, internal, cidr }) => {
      const prefix = Number(cidr?.split("/")[1]);
      if (internal || !net.isIPv4(address) || !(prefix <= PREFIX_MAX)) return [];
      return [{ address, network: `${masked(address, netmask)}/${prefix}`, interface: name, ipv6 }];
    });
  });
}

function masked(address: string, netmask: string): string {
  const mask = netmask.split(".").map(Number);
  return address
    .split(".")
    .map((byte, index) => Number(byte) & (mask[index] ?? 0))
    .join(".");
}
