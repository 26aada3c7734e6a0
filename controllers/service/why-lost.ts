// Why an instance is still decided for a node that is Down, and what to do about it: for its status, and for the page under its name. Pure.
import type { Condition, Name } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { wantedOf } from "./decide.ts";
import type { HouseFacts } from "./facts.ts";
import { certainInMs } from "./lost.ts";
import { fitness } from "./placement.ts";
import { cannotRunTwice, hasEngineData, pinnedNodes, volumeNames } from "./traits.ts";

/** Undefined: its node is not Down. */
export function whyLost(
  service: Name,
  instance: DecidedInstance,
  decided: DecidedService | undefined,
  house: HouseFacts,
): string | undefined {
  const { node } = instance;
  if (house.nodes.find(({ name }) => name === node)?.downSinceMs === undefined) return undefined;
  const spec = decided?.revisions[decided.target]?.spec;
  if (spec === undefined) return `${node}, where it ran, is Down`;
  if (volumeNames(service, spec).length > 0 || pinnedNodes(spec).length > 0 || hasEngineData(spec))
    return `Its data is on ${node}, which is Down: bring ${node} back. If that is gone for good: ${whereElse(service, spec)}`;
  if (spec.failover === "never")
    return `${node}, where it runs, is Down, and 'failover: never' keeps it there: bring ${node} back, or change that`;
  if (spec.replicas === "all")
    return `${node}, where it ran, is Down: every other node that fits has its own, and ${node} does when it is back`;
  const own = decided?.revisions[instance.revision]?.spec ?? spec;
  if (certainInMs(instance, own, house, 0) === Infinity && house.nodes.some((each) => each.name === node && each.goneSinceMs !== undefined))
    return (
      `${node}, where it ran, is Down and may still run it there, and two at once would do harm: nothing of the kind moves by itself in a ` +
      `house of fewer than three votes. Bring ${node} back, or take it out of the house when it is off: fossora node remove ${node}`
    );
  const others = fitness(wantedOf(service, spec, house), house.nodes).filter((each) => each.node !== node);
  if (others.every(({ fits }) => !fits)) {
    const reasons = others.map((each) => `${each.node}: ${each.reason}`).join("; ");
    return `${node}, where it ran, is Down, and no other node can take it${reasons && ` (${reasons})`}: bring ${node} back, or make room`;
  }
  if (cannotRunTwice(own)) return `${node}, where it ran, is Down: it starts elsewhere as soon as it is certain that ${node} has ended it`;
  return `${node}, where it ran, is Down: it starts elsewhere when that has been so for ${spec.failover.after}, as 'failover.after' says`;
}

/** For a person whose data is lost. */
function whereElse(service: Name, spec: ServiceSpec): string {
  const [volume] = volumeNames(service, spec);
  return volume === undefined
    ? "mount a folder of another computer, with a copy of it from a backup"
    : `give the volume '${volume}' another name in its manifest, and it begins elsewhere with an empty one, for your backup`;
}

/** For whoever leads people to a Service, none of whose instances runs. */
export function lostCondition(service: Name, decided: DecidedService | undefined, house: HouseFacts): Condition | undefined {
  const message = decided?.instances.map((instance) => whyLost(service, instance, decided, house)).find((why) => why !== undefined);
  return message === undefined ? undefined : { type: "Ready", status: "False", reason: "NodeLost", message };
}
