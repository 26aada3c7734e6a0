// Two houses that meet: they are never merged, but an empty house of one gives itself up for another. Pure.
import type { HouseState } from "./messages.ts";

type HouseAs = Pick<HouseState, "id" | "epoch" | "clusterId">;

export type Meeting = "same" | "ours is older" | "give up" | "they give up" | "stay apart";

/** What to do on hearing of another house, both seen from here. Of two that are empty the lower id stays. */
export function meet(ours: HouseState, theirs: HouseState): Meeting {
  if (ours.id === theirs.id && ours.epoch !== theirs.epoch) return theirs.epoch > ours.epoch ? "ours is older" : "same";
  const takenOverTwice = ours.clusterId !== undefined && theirs.clusterId !== undefined && ours.clusterId !== theirs.clusterId;
  if (ours.id === theirs.id) return takenOverTwice ? "stay apart" : "same";
  const weAreEmpty = isEmpty(ours);
  const theyAreEmpty = isEmpty(theirs);
  if (weAreEmpty && theyAreEmpty) return theirs.id < ours.id ? "give up" : "they give up";
  if (weAreEmpty) return "give up";
  return theyAreEmpty ? "they give up" : "stay apart";
}

/**
 * What ours says of who belongs to the house counts for a node that knows it as `theirs`: it is the same house, and neither from before a
 * take-over that the other one knows of, nor taken over apart from it.
 */
export function speaksFor(ours: HouseAs, theirs: HouseAs): boolean {
  if (ours.id !== theirs.id || ours.epoch < theirs.epoch) return false;
  return ours.epoch > theirs.epoch || ours.clusterId === theirs.clusterId;
}

/** Only its founder belongs to it, and nobody has applied anything. */
export function isEmpty({ nodes, hasObjects }: HouseState): boolean {
  return nodes <= 1 && !hasObjects;
}
