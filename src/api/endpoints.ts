// Which copies of a Service are sent requests: decided, and ready in the eyes of their node. Pure.
import type { NodeName } from "./resource.ts";
import type { DecidedService, ObservedInstance, ObservedService } from "./state.ts";

export interface ReadyInstance {
  readonly node: NodeName;
  readonly instance: ObservedInstance;
}

/**
 * In a fixed order, so that equal states make equal tables. While nothing that is decided is ready, what has still to stop serves on: an
 * update that stops first pulls its images before.
 */
export function readyInstances(
  decided: DecidedService | undefined,
  observed: Iterable<readonly [NodeName, ObservedService]>,
): readonly ReadyInstance[] {
  const decidedOn = new Map((decided?.instances ?? []).map(({ id, node }) => [id, node]));
  const all = [...observed].flatMap(([node, { instances }]) =>
    instances.filter(({ ready }) => ready).map((instance) => ({ node, instance })),
  );
  const current = all.filter(({ node, instance }) => decidedOn.get(instance.id) === node);
  return (current.length > 0 ? current : all).sort((a, b) => (a.instance.id < b.instance.id ? -1 : 1));
}
