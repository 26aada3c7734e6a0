// What a house says of itself to others, from its own objects. Pure.
import type { AnyResource } from "../api/resource.ts";
import type { HouseState } from "./messages.ts";

export type HouseFacts = Pick<HouseState, "hasObjects" | "joining">;

type Known = Pick<AnyResource, "kind" | "spec"> & { readonly metadata: { readonly generation: number } };

/** Agents make the House and the Memberships, once: all else, and what was changed of these, is people's. */
export function houseFacts(objects: Iterable<Known>): HouseFacts {
  let facts: HouseFacts = { hasObjects: false, joining: "auto" };
  for (const object of objects) {
    const isMade = (object.kind === "House" || object.kind === "Membership") && object.metadata.generation === 1;
    if (!isMade) facts = { ...facts, hasObjects: true };
    if (object.kind === "House") facts = { ...facts, joining: (object as AnyResource & { readonly kind: "House" }).spec.joining ?? "auto" }; // its kind's spec
  }
  return facts;
}
