// The addresses under which other computers may find this one: those of its own links and of its tailnet, not of Docker's bridges.
import os from "node:os";

type Interfaces = Readonly<Record<string, readonly Pick<os.NetworkInterfaceInfo, "address" | "internal">[] | undefined>>;

/** Ours, Docker's, libvirt's and the like: the same addresses on every computer, or a new one with every app. */
const VIRTUAL = /^(fossora|docker\d|br-[0-9a-f]{12}$|veth|virbr\d|cni\d|lxcbr\d|lxdbr\d|podman\d)/;
/** Mean nothing without their link, or nothing at all. */
const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/i;

/** IPv4 first, in the order of the system. */
export function nodeAddresses(interfaces: Interfaces = os.networkInterfaces()): readonly string[] {
  const addresses = Object.entries(interfaces)
    .filter(([name]) => !VIRTUAL.test(name))
    .flatMap(([, each]) => each ?? [])
    .filter(({ address, internal }) => !internal && !LINK_LOCAL.test(address))
    .map(({ address }) => address);
  return [...new Set(addresses)].sort((a, b) => Number(a.includes(":")) - Number(b.includes(":")));
}
