// The host's real name servers: where containers ask when the house does not answer, and where the house forwards to.
import { readFileSync } from "node:fs";
import { isIPv6, isIP } from "node:net";
import { isLoopback } from "../../api/addresses.ts";

/** systemd-resolved's own list comes before its stub on 127.0.0.53, which only this host can ask. */
const files = ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"] as const;

export function hostResolvers(): readonly string[] {
  return resolversIn(files.map(readOrNothing));
}

/**
 * Pure. Of texts as `resolv.conf(5)`, in the order in which they count: those that others than this host have, or where there are none its
 * own resolver on loopback. IPv4 comes first: a host may know an IPv6 one and have no way there.
 */
export function resolversIn(texts: readonly string[]): readonly string[] {
  const found = texts.map(serversIn);
  const outer = found.map((servers) => servers.filter((server) => !isLoopback(server)));
  return [...outer, ...found].find((servers) => servers.length > 0) ?? [];
}

function serversIn(text: string): readonly string[] {
  const servers = [...text.matchAll(/^\s*nameserver\s+(\S+)/gm)].flatMap(([, server = ""]) => (isIP(server) > 0 ? [server] : []));
  return servers.toSorted((a, b) => Number(isIPv6(a)) - Number(isIPv6(b)));
}

function readOrNothing(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
