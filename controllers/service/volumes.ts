// What the store remembers of local Volumes: where each lies, and whether its directory was ever made.
import type { Name } from "../../src/api/resource.ts";
import type { DecidedService, DecidedVolume } from "../../src/api/state.ts";

export function readVolume(entry: { readonly value: string } | undefined): DecidedVolume | undefined {
  return entry && (JSON.parse(entry.value) as DecidedVolume); // written by decisions and by `withMade` alone
}

/** The text of a decided Volume or Service, with these Volumes made. */
export function withMade(text: string, names: readonly Name[]): string {
  const value = JSON.parse(text) as DecidedVolume | DecidedService; // written by decisions and by this alone
  if (!("instances" in value)) return JSON.stringify({ ...value, made: true });
  const volumes: Record<Name, DecidedVolume> = { ...value.volumes };
  for (const name of names) if (volumes[name]) volumes[name] = { ...volumes[name], made: true };
  return JSON.stringify({ ...value, volumes });
}
