// The addresses that this computer has right now.
import dgram from "node:dgram";
import { BlockList, isIPv6 } from "node:net";
import os from "node:os";

/** Without link-local IPv6, which means nothing without its interface. */
export function localAddresses(): readonly string[] {
  return infos().map(({ address }) => address);
}

/** Where others may find this computer: not on loopback, nor on interfaces whose names begin so. */
export function outerAddresses(
  bridges: string,
  interfaces: NodeJS.Dict<os.NetworkInterfaceInfo[]> = os.networkInterfaces(),
): readonly string[] {
  const outer = Object.entries(interfaces).flatMap(([name, each = []]) => (name.startsWith(bridges) ? [] : each));
  return outer.filter(({ internal }) => !internal).map(({ address }) => address);
}

/** Asked of the kernel: a bridge on which nothing runs has its address, too, and is in none of the lists here. */
export function isOwnAddress(address: string): Promise<boolean> {
  return new Promise((done) => {
    const socket = dgram.createSocket(isIPv6(address) ? "udp6" : "udp4");
    socket.on("error", () => done(false));
    socket.bind({ address, port: 0, exclusive: true }, () => socket.close(() => done(true)));
  });
}

/** Each with how much of it is the network's: `192.168.1.10/24`. */
export function localNetworks(): readonly string[] {
  return infos().flatMap(({ cidr }) => cidr ?? []);
}

/**
 * IPv6 networks of a provider that are those of a LAN here: `2001:db8:1:2::10/64`, where the interface has an address of a home as well.
 * A rented computer, whose neighbours are strangers, has none beside those of the internet.
 */
export function lanNetworks(interfaces: NodeJS.Dict<os.NetworkInterfaceInfo[]> = os.networkInterfaces()): readonly string[] {
  return Object.values(interfaces).flatMap((each = []) => {
    const isHome = each.some(({ address, family, internal }) => !internal && homes.check(address, family === "IPv4" ? "ipv4" : "ipv6"));
    const given = each.filter(({ address, family }) => family === "IPv6" && internet.check(address, "ipv6"));
    return isHome ? given.flatMap(({ cidr }) => cidr ?? []) : [];
  });
}

const homes = new BlockList();
for (const [base, prefix] of [
  ["10.0.0.0", 8],
  ["172.16.0.0", 12],
  ["192.168.0.0", 16],
] as const)
  homes.addSubnet(base, prefix);
homes.addSubnet("fc00::", 7, "ipv6");
const internet = new BlockList();
internet.addSubnet("2000::", 3, "ipv6");

function infos(): readonly os.NetworkInterfaceInfo[] {
  const all = Object.values(os.networkInterfaces()).flatMap((each) => each ?? []);
  return all.filter(({ scopeid = 0 }) => scopeid === 0);
}
