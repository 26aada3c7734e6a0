// What the mirror reads off the store's entries, listings and events. Pure.
import { parseKey, PREFIX } from "../api/keys.ts";
import type { AnyResource, StoredResource } from "../api/resource.ts";
import type { Entry, Listing, StoreEvent } from "../ports.ts";

/**
 * What is held, and what members write of themselves, which is told of without being held. Histories, what was applied and events may be many
 * times as large.
 */
export const LISTED = [PREFIX.desired, PREFIX.decided, PREFIX.observed, PREFIX.nodes, PREFIX.queue, PREFIX.house] as const;

/** A key's value, read. */
export interface Row {
  readonly value: unknown;
  readonly entry: Entry;
}

/**
 * Whoever founds a house stores its House object first. A store without any desired object is a wiped or a wrong one, and believing
 * it would delete every app.
 */
export function isHouse(listing: Listing): boolean {
  return listing.entries.some((entry) => entry.key.startsWith(PREFIX.desired));
}

export function madeEntry(key: string, value: string, revision: number): Entry {
  return { key, value, version: 1, createRevision: revision, modRevision: revision };
}

export function toResource({ value, entry }: Row): AnyResource {
  const { apiVersion, kind, spec, metadata } = value as StoredResource; // admission checked it
  const versions = { generation: entry.version, resourceVersion: String(entry.modRevision) };
  return { apiVersion, kind, metadata: { ...metadata, ...versions }, spec } as AnyResource; // kind and spec belong together
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
