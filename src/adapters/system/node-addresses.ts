// The addresses under which other computers of the house may find this one: few, private ones, that do not change by themselves.
import { readFileSync } from "node:fs";
import { BlockList, isIPv4 } from "node:net";
import os from "node:os";
import { defaultInterfaceOf } from "./default-interface.ts";

type Interfaces = Readonly<Record<string, readonly Pick<os.NetworkInterfaceInfo, "address" | "internal">[] | undefined>>;

/** Ours, Docker's, libvirt's and the like: the same addresses on every computer, or a new one with every app. */
const VIRTUAL = /^(fossora|docker\d|br-[0-9a-f]{12}$|veth|virbr\d|cni\d|lxcbr\d|lxdbr\d|podman\d)/;
/** Mean nothing without their link, or nothing at all. */
const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/i;

const lan = listOf(["10.0.0.0", 8], ["172.16.0.0", 12], ["192.168.0.0", 16]);
const tailnet = listOf(["100.64.0.0", 10], ["fd7a:115c:a1e0::", 48]);

/**
 * LAN before tailnet, which may be away, and the interface of the default route first. IPv6 of a LAN only where there is nothing else:
 * providers change its prefix and systems its end, each day, on all computers at once. The internet only where nothing else is, too.
 */
export function nodeAddresses(
  interfaces: Interfaces = os.networkInterfaces(),
  defaultInterface: string | undefined = readDefault(),
): readonly string[] {
  const named = Object.entries(interfaces).filter(([name]) => !VIRTUAL.test(name));
  const ordered = named.toSorted(([one], [other]) => Number(other === defaultInterface) - Number(one === defaultInterface));
  const all = ordered
    .flatMap(([, each]) => each ?? [])
    .filter(({ address, internal }) => !internal && !LINK_LOCAL.test(address))
    .map(({ address }) => address);
  const found = [...all.filter((each) => has(lan, each)), ...all.filter((each) => has(tailnet, each)).toSorted(ipv4First)];
  const rest = [all.filter((each) => /^f[cd]/i.test(each)), all.filter((each) => isIPv4(each)), all];
  return [...new Set(found.length > 0 ? found : (rest.find((each) => each.length > 0) ?? []))];
}

function has(list: BlockList, address: string): boolean {
  return list.check(address, isIPv4(address) ? "ipv4" : "ipv6");
}

function ipv4First(a: string, b: string): number {
  return Number(a.includes(":")) - Number(b.includes(":"));
}

function listOf(...networks: readonly (readonly [address: string, prefix: number])[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of networks) list.addSubnet(address, prefix, isIPv4(address) ? "ipv4" : "ipv6");
  return list;
}

function readDefault(): string | undefined {
  try {
    return defaultInterfaceOf(readFileSync("/proc/net/route", "utf8"));
  } catch {
    return undefined; // not Linux: the order is the system's
  }
}
