// What this machine can already reach: a node's own networks must not lie in its way.
import { execFile } from "node:child_process";
import { networkInterfaces } from "node:os";
import { promisify } from "node:util";
import { parseSubnet, type Subnet } from "./subnets.ts";

const limitMs = 5000;

/** IPv4 routes of all tables (Tailscale's subnets are in one of its own) and the interfaces' own subnets. */
export async function usedSubnets(): Promise<readonly Subnet[]> {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ cidr }) => cidr ?? ""));
  const text = await promisify(execFile)("ip", ["-4", "route", "show", "table", "all"], { timeout: limitMs }).then(
    ({ stdout }) => stdout,
    () => "",
  );
  return [...routeTargets(text), ...own].map(parseSubnet).filter((each) => each !== undefined);
}

/** Pure. Lines of `ip route`: `[TYPE] TARGET ...`; the default route leads everywhere and takes nothing. */
export function routeTargets(text: string): readonly string[] {
  return text.split("\n").flatMap(
    (line) =>
      line
        .split(" ")
        .slice(0, 2)
        .find((word) => /^\d+\.\d+\.\d+\.\d+(\/\d+)?$/.test(word)) ?? [],
  );
}
