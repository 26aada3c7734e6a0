// Why instances of a Service are where they are, or nowhere: the words of `describe` and of the condition.
import type { Condition, Name } from "../../src/api/resource.ts";
import type { DecidedService } from "../../src/api/state.ts";
import type { Mirror } from "../../src/engine/contract.ts";
import { decide, wantedOf } from "./decide.ts";
import type { HouseFacts } from "./facts.ts";
import { houseFacts } from "./house-facts.ts";
import { fitness, type Fitness } from "./placement.ts";
import { lostCondition } from "./why-lost.ts";

/** Every node with its reason, for the target revision. */
export function fitnessOf(service: Name, decided: DecidedService | undefined, house: HouseFacts): readonly Fitness[] {
  const spec = decided?.revisions[decided.target]?.spec;
  return spec === undefined ? [] : fitness(wantedOf(service, spec, house), house.nodes);
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
  const { next, unplaced } = decide(service, mirror.desired("Service", service), house, 0);
  const condition = unplaced > 0 ? whyUnplaced(service, next, house) : undefined;
  return condition?.reason === "NoNodeFits" ? condition : undefined;
}
