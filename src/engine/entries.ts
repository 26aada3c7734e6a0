// What the mirror reads off the store's entries and events. Pure.
import { parseKey } from "../api/keys.ts";
import type { Entry, StoreEvent } from "../ports.ts";

export function madeEntry(key: string, value: string, revision: number): Entry {
  return { key, value, version: 1, createRevision: revision, modRevision: revision };
}

/** The mirror does not hold it. */
export function isBeside(key: string): boolean {
  return parseKey(key).room === "other";
}

export function keyOf(event: StoreEvent): string {
  return event.type === "put" ? event.entry.key : event.key;
}

export function revisionOf(event: StoreEvent): number {
  return event.type === "put" ? event.entry.modRevision : event.modRevision;
}
