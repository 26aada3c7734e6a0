// Instances on a node that is being left, or has become a witness: which of them go elsewhere, and which stay because nobody else can take them.
import type { DecidedInstance, DecidedService } from "../../src/api/state.ts";
import type { HouseFacts } from "./facts.ts";
import { fitness, roomFor, type Wanted } from "./placement.ts";
import { hasEngineData } from "./traits.ts";

/**
 * `instances` are those that could otherwise stay as they are. As many go as others have room for; of the rest the oldest stay, so that
 * one that has moved already is not called back.
 */
export function leavingInstances(
  instances: readonly DecidedInstance[],
  wanted: Wanted,
  { nodes }: Pick<HouseFacts, "nodes">,
): ReadonlySet<DecidedInstance> {
  const { replicas, failover } = wanted.spec;
  // One on each node: it has no place elsewhere.
  if (replicas === "all") return new Set();
  // A person who drains the node knows where the data is; who only restarts the computer does not ask for another beginning.
  const staysAtStop = failover === "never" || hasEngineData(wanted.spec);
  const left = new Set(
    nodes.flatMap(({ name, leaving, isWitness }) =>
      isWitness || leaving === "drained" || (leaving === "stopping" && !staysAtStop) ? [name] : [],
    ),
  );
  const going = instances.filter(({ node }) => left.has(node));
  if (going.length === 0) return new Set();
  const elsewhere = instances.length - going.length + roomFor(wanted, nodes, replicas);
  return new Set(going.slice(Math.max(0, replicas - elsewhere)));
}

/** The same object where all that is to run elsewhere can: else it is forgotten, and does not move at some later time by itself. */
export function withPossibleCalls(decided: DecidedService, wanted: Wanted, { nodes }: Pick<HouseFacts, "nodes">): DecidedService {
  if (decided.instances.every(({ to }) => to === undefined)) return decided;
  const fit = new Set(fitness(wanted, nodes).flatMap(({ node, fits }) => (fits ? [node] : [])));
  // Where its new one stands already there need be no room for another.
  const stands = new Set(decided.instances.map(({ node }) => node));
  const isPossible = ({ to }: DecidedInstance): boolean => to === undefined || fit.has(to) || stands.has(to);
  if (decided.instances.every(isPossible)) return decided;
  const instances = decided.instances.map((instance): DecidedInstance => {
    if (isPossible(instance)) return instance;
    const { to: _, ...kept } = instance;
    return kept;
  });
  return { ...decided, instances };
}
