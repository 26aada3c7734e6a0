// The IPv6 addresses of this machine that others may be told: which last, and which the kernel would not use itself.
import { readFile } from "node:fs/promises";
import { BlockList, SocketAddress } from "node:net";

/** As `os.networkInterfaces` writes them. Linux only; none where the kernel has no IPv6. */
export async function readLastingIpv6(): Promise<ReadonlySet<string>> {
  return lastingIpv6(await readFile("/proc/net/if_inet6", "utf8").catch(() => ""));
}

/** `linux/if_addr.h`: one for privacy, which changes each day; a double; one on its way out; one that is not known to be free yet. */
const UNFIT_FLAGS = 0x01 | 0x08 | 0x20 | 0x40;

/** Pure. Of `/proc/net/if_inet6`: address, interface's number, prefix, scope, flags and name. */
export function lastingIpv6(text: string): ReadonlySet<string> {
  const rows = text.split("\n").map((line) => line.trim().split(/\s+/));
  return new Set(
    rows.flatMap(([hex = "", , , , flags = ""]) => {
      const isFit = /^[0-9a-f]{32}$/.test(hex) && (Number.parseInt(flags, 16) & UNFIT_FLAGS) === 0;
      return isFit ? [new SocketAddress({ address: hex.match(/.{4}/g)?.join(":") ?? "", family: "ipv6" }).address] : [];
    }),
  );
}

const tailnet = listOf(["fd7a:115c:a1e0::", 48]);
const local = listOf(["fc00::", 7]);
const global = listOf(["2000::", 3]);

/** Undefined: it is of no use to anybody else. A local one never changes with the provider, and nobody outside reaches it. */
export function kindOfIpv6(address: string): "local" | "global" | "tailnet" | undefined {
  if (tailnet.check(address, "ipv6")) return "tailnet";
  if (local.check(address, "ipv6")) return "local";
  return global.check(address, "ipv6") ? "global" : undefined;
}

function listOf([address, prefix]: readonly [address: string, prefix: number]): BlockList {
  const list = new BlockList();
  list.addSubnet(address, prefix, "ipv6");
  return list;
}
