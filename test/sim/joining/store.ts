// What lies in the store of a simulated house, read as the agent reads it.
import { houseRecords, type HouseRecords } from "../../../src/joining/house-records.ts";
import type { Cluster } from "./cluster.ts";

/** Read anew only after a change: these lives are many. */
const read = new WeakMap<Cluster, { readonly revision: number; readonly records: HouseRecords }>();

export function recordsOf(cluster: Cluster): HouseRecords {
  const before = read.get(cluster);
  if (before?.revision === cluster.revision) return before.records;
  const listed = [...cluster.store].map(([key, each]) => ({ key, ...each }));
  const records = houseRecords(listed, () => 0);
  read.set(cluster, { revision: cluster.revision, records });
  return records;
}
