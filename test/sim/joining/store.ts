// What lies in the store of a simulated house.
import type { ActiveAdmission, Stored } from "../../../src/joining/house-view.ts";
import type { Cluster } from "./cluster.ts";

type Read<T> = Omit<Stored<T>, "seenAtMs">;

export function read<T>(cluster: Cluster, prefix: string): readonly Read<T>[] {
  const before = cluster.listings.get(prefix);
  if (before !== undefined) return before as readonly Read<T>[]; // each prefix holds values of one type
  const found: Read<T>[] = [];
  for (const [key, { text, modRevision }] of cluster.store)
    if (key.startsWith(prefix)) found.push({ value: JSON.parse(text) as T, modRevision }); // the simulator's own writing
  cluster.listings.set(prefix, found);
  return found;
}

export function readActive(cluster: Cluster): Read<ActiveAdmission> | undefined {
  return read<ActiveAdmission>(cluster, "active")[0];
}
