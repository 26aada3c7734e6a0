// Which copies of a Service may be sent requests: decided, and ready in the eyes of their node. Pure.
import type { NodeName } from "./resource.ts";
import type { DecidedService, ObservedInstance, ObservedService } from "./state.ts";

export interface ReadyInstance {
  readonly node: NodeName;
  readonly instance: ObservedInstance;
}

/** In a fixed order, so that equal states make equal tables. */
export function readyInstances(decided: DecidedService | undefined, observed: Iterable<readonly [NodeName, ObservedService]>): readonly ReadyInstance[] {
  const decidedOn = new Map((decided?.instances ?? []).map(({ id, node }) => [id, node]));
  const ready: ReadyInstance[] = [];
  for (const [node, { instances }] of observed) {
    for (const instance of instances) if (instance.ready && decidedOn.get(instance.id) === node) ready.push({ node, instance });
  }
  return ready.sort((a, b) => (a.instance.id < b.instance.id ? -1 : 1));
}
