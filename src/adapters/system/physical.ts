// Which network interfaces are hardware, and what a bridge, bond or VLAN has below it.
import { access, readdir } from "node:fs/promises";
import path from "node:path";

/** A VLAN on a bond on a bridge, and no ring. */
const DEPTH_MAX = 4;

/** Bridges, cables of containers, tunnels and loopback have no device. */
export function isPhysical(sys: string, name: string): Promise<boolean> {
  return exists(path.join(sys, "class/net", name, "device"));
}

/** Itself, or what lies below it. */
export async function physicalBelow(sys: string, name: string, depth = DEPTH_MAX): Promise<readonly string[]> {
  if (await isPhysical(sys, name)) return [name];
  if (depth === 0) return [];
  const entries = await readdir(path.join(sys, "class/net", name)).catch(() => []);
  const lower = entries.filter((entry) => entry.startsWith("lower_")).map((entry) => entry.slice("lower_".length));
  return (await Promise.all(lower.map((each) => physicalBelow(sys, each, depth - 1)))).flat();
}

export async function exists(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}
