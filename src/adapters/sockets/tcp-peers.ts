// Who is connected to a port of this computer, by the kernel's tables.
import { readFileSync } from "node:fs";

const ESTABLISHED = "01";
const MAPPED = /^0000000000000000FFFF0000/;

/** Addresses, each once; what a table does not say is nobody. */
export function tcpPeers(port: number): readonly string[] {
  const tables = ["/proc/net/tcp", "/proc/net/tcp6"].map((file) => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return ""; // a kernel without IPv6
    }
  });
  return [...new Set(tables.flatMap((table) => peersIn(table, port)))];
}

/** Pure. Of `/proc/net/tcp` or `tcp6`: the other ends of connections that stand. IPv6 addresses as the kernel writes them to people. */
export function peersIn(table: string, port: number): readonly string[] {
  return table
    .split("\n")
    .slice(1)
    .flatMap((line) => {
      // 0: 0100007F:094B 0107007F:D431 01 00000000:00000000 00:00000000 00000000     0        0 21480 ...
      const [, local = "", remote = "", state] = line.trim().split(/\s+/);
      const [host = ""] = remote.split(":");
      return state === ESTABLISHED && Number.parseInt(local.split(":")[1] ?? "", 16) === port ? [addressOf(host)] : [];
    });
}

/** Words of four bytes, each little-endian. */
function addressOf(hex: string): string {
  if (MAPPED.test(hex)) return addressOf(hex.slice(24));
  const words = hex.match(/.{8}/g) ?? [];
  const bytes = words.flatMap((word) => (word.match(/../g) ?? []).toReversed());
  if (words.length === 1) return bytes.map((byte) => Number.parseInt(byte, 16)).join(".");
  const groups = Array.from({ length: 8 }, (_, index) => `${bytes[2 * index] ?? "0"}${bytes[2 * index + 1] ?? "0"}`);
  return new URL(`http://[${groups.join(":")}]/`).hostname.slice(1, -1);
}
