// The addresses under which other computers may find this one: those of its own links and of its tailnet, not of Docker's bridges.
import os from "node:os";

type Interfaces = Readonly<Record<string, readonly Pick<os.NetworkInterfaceInfo, "address" | "internal">[] | undefined>>;

/** Docker's, libvirt's and the like: the same addresses on every computer, and a new one with every app. */
const VIRTUAL = /^(docker\d|br-[0-9a-f]{12}$|veth|virbr\d|cni\d|lxcbr\d|lxdbr\d|podman\d)/;
/** Mean nothing without their link, or nothing at all. */
const LINK_LOCAL = /^(169\.254\.|fe[89ab][0-9a-f]:)/i;

/** IPv4 first, in the order of the system. `bridges`: names of bridges of ours. */
export function nodeAddresses(
  interfaces: Interfaces = os.networkInterfaces(),
  bridges: readonly string[] = ["fossora"],
): readonly string[] {
  const addresses = Object.entries(interfaces)
    .filter(([name]) => !VIRTUAL.test(name) && !bridges.includes(name))
    .flatMap(([, each]) => each ?? [])
    .filter(({ address, internal }) => !internal && !LINK_LOCAL.test(address))
    .map(({ address }) => address);
  return [...new Set(addresses)].sort((a, b) => Number(a.includes(":")) - Number(b.includes(":")));
}
