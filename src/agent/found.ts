// Founding: the first object of an empty store is the House. Without one nobody plans anything, so an empty store can never be read
// as "delete everything".
import { randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import path from "node:path";
import { keys, ROOT } from "../api/keys.ts";
import { API_VERSION, type StoredResource } from "../api/resource.ts";
import { UserError } from "../api/errors.ts";
import type { Clock, Store } from "../ports.ts";
import { readIfThere, writeWhole } from "./files.ts";

export const DEFAULT_ZONE = "home.internal";
const HOUSE_NAME = "house";

/** Writes the House if this node has never seen one. Throws UserError when a house that was there is gone. */
export async function foundHouse(
  options: { readonly store: Store; readonly dataDir: string; readonly clock: Clock; readonly tailnetTags?: readonly string[] },
  signal: AbortSignal,
): Promise<"founded" | "found"> {
  const { store, dataDir, clock, tailnetTags = [] } = options;
  const marker = markerIn(dataDir);
  const key = keys.desired("House", HOUSE_NAME);
  if (await store.get(key, signal)) {
    if (!isFounded(dataDir)) writeWhole(marker, "");
    return "found";
  }
  const { entries } = await store.list(ROOT, signal);
  if (isFounded(dataDir) || entries.length > 0)
    throw new UserError(
      `Cannot start: the store in ${path.join(dataDir, "etcd")} has lost its House, although this node knew one. Nothing is changed and the apps go on. Bring the folder back from a backup, or move all in ${dataDir} but its folder "volumes", which has the apps' data, away and say \`fossora up --data-dir ${dataDir}\` to begin anew.`,
    );
  const house: StoredResource<"House"> = {
    apiVersion: API_VERSION,
    kind: "House",
    metadata: { name: HOUSE_NAME, uid: randomUUID(), creationTimestamp: clock.wall() },
    spec: { zone: DEFAULT_ZONE, joining: "auto", ...(tailnetTags.length > 0 && { tailnet: { tags: tailnetTags } }) },
    manager: "agent",
  };
  await store.commit({ compare: [{ key, modRevision: 0 }], writes: [{ put: key, value: JSON.stringify(house) }] }, signal);
  writeWhole(marker, "");
  return "founded";
}

/** Has this node ever seen its House? */
export function isFounded(dataDir: string): boolean {
  return readIfThere(markerIn(dataDir)) !== undefined;
}

/** Of a node that has left its house. */
export function forgetFounded(dataDir: string): void {
  rmSync(markerIn(dataDir), { force: true });
}

function markerIn(dataDir: string): string {
  return path.join(dataDir, "founded");
}
