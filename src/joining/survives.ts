// What the house survives now, as one sentence for `fossora status`. Pure.
import { isAlive, nodeOfMember, quorumOf, type HouseView } from "./house-view.ts";

const words = ["none", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"] as const;

/** "any one of three", "nothing: start a third computer". */
export function survives(view: Pick<HouseView, "members" | "roster" | "health" | "nowMs">): string {
  const all = view as HouseView; // isAlive reads no more than these
  const voters = view.members.filter(({ learner }) => !learner);
  const silent = voters.filter((member) => !isAlive(all, member));
  const standbys = view.members.filter((member) => member.learner && isAlive(all, member));
  const names = list(silent.map((member) => view.roster.get(nodeOfMember(member) ?? "")?.name ?? member.name));
  const spare = voters.length - silent.length - quorumOf(voters.length);
  if (spare < 0) return `nothing is written until ${names} ${silent.length === 1 ? "is" : "are"} back`;
  if (spare > 0) {
    if (silent.length > 0) return `any ${word(spare)} of the ${word(voters.length - silent.length)} that are there`;
    return `any ${word(spare)} of ${word(view.roster.size)}${standbys.length > 0 ? ", then heals itself" : ""}`;
  }
  if (silent.length > 0) return `nothing until ${names} is back${standbys.length > 0 ? " or its standby has taken over" : ""}`;
  if (view.roster.size < 2) return "nothing: start a second and a third computer";
  if (view.roster.size === 2)
    return standbys.length > 0 ? "nothing by itself: start a third computer" : "nothing: the other computer is not ready yet";
  return "nothing yet: the votes are still being given out";
}

function word(count: number): string {
  return words[count] ?? String(count);
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
