// Why instances of a Service are where they are, or nowhere: the words of `describe` and of the condition.
import type { Condition, Name } from "../../src/api/resource.ts";
import type { DecidedService } from "../../src/api/state.ts";
import { ownVolume } from "../../src/api/volume-names.ts";
import type { Mirror } from "../../src/engine/contract.ts";
import { decide, wantedOf, type Decision } from "./decide.ts";
import type { HouseFacts } from "./facts.ts";
import { houseFacts } from "./house-facts.ts";
import { fitness, type Fitness } from "./placement.ts";
import { lostCondition } from "./why-lost.ts";

/** Every node with its reason, for the target revision. */
export function fitnessOf(service: Name, decided: DecidedService | undefined, house: HouseFacts): readonly Fitness[] {
  const spec = decided?.revisions[decided.target]?.spec;
  return spec === undefined ? [] : fitness(wantedOf(service, spec, house), house.nodes);
}

/** Undefined: all that is wanted has a place, or will have one at once. */
export function schedulingProblem(service: Name, { next, unplaced }: Decision, house: HouseFacts): Condition | undefined {
  return takenCondition(service, next) ?? (unplaced > 0 ? whyUnplaced(service, next, house) : undefined);
}

/** Also while instances of an earlier revision go on. */
function takenCondition(service: Name, decided: DecidedService | undefined): Condition | undefined {
  const [taken] = Object.entries(decided?.takenVolumes ?? {});
  if (taken === undefined || decided?.revisions[decided.target]?.spec.replicas === 0) return undefined;
  const [volume, owner] = taken;
  const mount = volume.slice(ownVolume(service, "").length);
  const message = `The volume '${volume}' has the data of the Service '${owner}', and two apps in one folder would destroy it: give the mount '${mount}' another name in the manifest`;
  return { type: "Scheduled", status: "False", reason: "VolumeTaken", message };
}

export function whyUnplaced(service: Name, decided: DecidedService | undefined, house: HouseFacts): Condition {
  const all = fitnessOf(service, decided, house);
  const condition = { type: "Scheduled", status: "False" } as const;
  if (all.some(({ fits }) => fits))
    return { ...condition, reason: "Waiting", message: "The previous instance has to stop first, and its node does not say that it has" };
  const reasons = all.map(({ node, reason }) => `${node}: ${reason}`).join("; ");
  const message = all.length === 0 ? "There is no node yet" : `None of ${all.length} nodes fits: ${reasons}`;
  return { ...condition, reason: "NoNodeFits", message };
}

/** For whoever leads people to a Service that no node can take, or whose node is Down; undefined: one can, at least once something else has stopped. */
export function whyNowhere(service: Name, mirror: Mirror): Condition | undefined {
  const house = houseFacts(service, mirror, { desiredSeenAtMs: 0, volumes: {} });
  const lost = lostCondition(service, house.decided?.value, house);
  if (lost !== undefined) return lost;
  const condition = schedulingProblem(service, decide(service, mirror.desired("Service", service), house, 0), house);
  return condition?.reason === "Waiting" ? undefined : condition;
}
