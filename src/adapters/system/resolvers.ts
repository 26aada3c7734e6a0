// The host's real name servers: where containers ask when the house does not answer, and where the house forwards to.
import { readFileSync } from "node:fs";

/** systemd-resolved's own list comes before its stub on 127.0.0.53, which no container can reach. */
const files = ["/run/systemd/resolve/resolv.conf", "/etc/resolv.conf"] as const;
/** A container's resolver asks three at most, and the first is the house. */
const resolversMax = 2;

export function hostResolvers(): readonly string[] {
  for (const file of files) {
    try {
      const found = resolversIn(readFileSync(file, "utf8"));
      if (found.length > 0) return found;
    } catch {
      // not there: the next one
    }
  }
  return [];
}

/** Pure. IPv4 addresses of `resolv.conf(5)` that others than this host can ask. */
export function resolversIn(text: string): readonly string[] {
  const servers = [...text.matchAll(/^\s*nameserver\s+([\d.]+)\s*$/gm)].flatMap(([, server]) => server ?? []);
  return servers.filter((server) => !server.startsWith("127.")).slice(0, resolversMax);
}
