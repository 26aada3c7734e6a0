// How far a computer is on its way into a house, in the words that people are told. Pure.
import type { JoiningPhase } from "../api/computers.ts";
import type { Phase } from "./joiner-state.ts";

/** Why nobody can be asked about a house here. */
export const outside: Readonly<Record<Phase["kind"], string>> = {
  looking: "this node looks for a house",
  founding: "this node is about to found a house",
  "laying the ground": "this node founds a house",
  asking: "this node asks a house to let it in",
  starting: "this node was let in, and its store starts",
  member: "this node's store starts",
};

/** `isRefused`: the house that was asked last said no to what was shown. */
export function phaseForPeople(phase: Phase, { rests, isRefused }: { readonly rests: boolean; readonly isRefused: boolean }): JoiningPhase {
  switch (phase.kind) {
    case "looking":
      return rests ? "resting" : isRefused ? "refused" : "looking";
    case "founding":
    case "laying the ground":
      return "founding";
    case "asking":
      if (phase.verdict === "queued") return "queued";
      if (phase.verdict === "waits for approval") return "waiting";
      return phase.verdict === "refused" || isRefused ? "refused" : "asking";
    case "starting":
    case "member":
      return phase.kind;
  }
}
