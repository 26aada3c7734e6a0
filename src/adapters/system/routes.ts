// What this machine can already reach: a node's own networks must not lie in its way.
import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { promisify } from "node:util";
import { parseSubnet, type Subnet } from "./subnets.ts";

const limitMs = 5000;

/** IPv4 routes of all tables (Tailscale's subnets are in one of its own) and the interfaces' own subnets. */
export async function usedSubnets(): Promise<readonly Subnet[]> {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => (addresses ?? []).map(({ cidr }) => cidr ?? ""));
  return [...(await readRoutes()), ...own].map(parseSubnet).filter((each) => each !== undefined);
}

/** Without the program `ip`, what the kernel shows of its main table. */
async function readRoutes(): Promise<readonly string[]> {
  try {
    return routeTargets((await promisify(execFile)("ip", ["-4", "route", "show", "table", "all"], { timeout: limitMs })).stdout);
  } catch {
    return kernelTargets(await readFile("/proc/net/route", "utf8").catch(() => ""));
  }
}

/** Pure. Columns `Iface Target Gateway Flags RefCnt Use Metric Mask ...`, addresses in hexadecimal, last byte first. */
export function kernelTargets(text: string): readonly string[] {
  const rows = text.split("\n").map((line) => line.split("\t"));
  return rows.flatMap(([, target = "", , , , , , mask = ""]) => {
    const isRoute = /^[0-9A-F]{8}$/.test(target) && /^[0-9A-F]{8}$/.test(mask) && mask !== "00000000";
    return isRoute ? [`${[...Buffer.from(target, "hex")].toReversed().join(".")}/${bitsOf(mask)}`] : [];
  });
}

function bitsOf(mask: string): number {
  return Number.parseInt(mask, 16).toString(2).replaceAll("0", "").length;
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
