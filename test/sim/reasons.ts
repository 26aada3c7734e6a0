// No move without a reason: nothing is placed that is there already, and nothing is taken away that is wanted where it is.
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";

export interface Change {
  readonly name: Name;
  readonly before: DecidedService | undefined;
  readonly decided: DecidedService;
  /** What was desired lately, and what the decision aims at; undefined: deleted. */
  readonly specs: readonly (ServiceSpec | undefined)[];
  readonly nodes: number;
  /** It is, or was a moment ago, Down or about to be left. */
  readonly isExcused: (node: NodeName) => boolean;
}

/** Undefined: there is a reason for all of it. */
export function withoutReason({ name, before, decided, specs, nodes, isExcused }: Change): string | undefined {
  const { instances, target } = decided;
  // Paused, what is there stays, of whichever revision; deleted, or of another object, it goes.
  if (before === undefined || before.uid !== decided.uid) return undefined;
  const known = specs.filter((spec) => spec !== undefined);
  if (known.length < specs.length || known.some(({ update }) => update.paused === true)) return undefined;
  const isRight = ({ revision, to, node }: DecidedInstance): boolean => revision === target && to === undefined && !isExcused(node);
  const counts = known.map(({ replicas }) => (replicas === "all" ? nodes : replicas));
  const hadIds = new Set(before.instances.map(({ id }) => id));
  const right = instances.filter(isRight).length;
  const added = instances.find(({ id }) => !hadIds.has(id));
  if (added !== undefined && right > Math.max(...counts))
    return `${name}-${added.id} was placed on ${added.node} without a reason: ${right - 1} are where they should be`;
  const hasIds = new Set(instances.map(({ id }) => id));
  const left = instances.filter(({ revision, to }) => revision === target && to === undefined);
  const isMissed = (instance: DecidedInstance): boolean =>
    known.every(({ replicas }) => (replicas === "all" ? left.every(({ node }) => node !== instance.node) : left.length < replicas));
  // Written again in the middle of an update, what fails is made anew.
  const isOfEarlierTry = ({ generation }: DecidedInstance): boolean =>
    before.good !== target && generation !== decided.revisions[target]?.generation;
  // Of what an update failed with one stays at least to be looked at, unless what has to move needs its room.
  const isStopped = decided.failed?.revision === target;
  const isSpare = isStopped && (left.length > 0 || before.instances.some(({ node }) => isExcused(node)));
  const lost = before.instances.find(
    (instance) => !hasIds.has(instance.id) && isRight(instance) && !isSpare && !isOfEarlierTry(instance) && isMissed(instance),
  );
  return lost && `${name}-${lost.id} was taken from ${lost.node} without a reason`;
}
