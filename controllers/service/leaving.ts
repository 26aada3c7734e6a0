// Instances on a node that is being left, or has become a witness: which of them go elsewhere, and which stay because nobody else can take them.
import type { DecidedInstance } from "../../src/api/state.ts";
import type { HouseFacts } from "./facts.ts";
import { roomFor, type Wanted } from "./placement.ts";

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
  const left = new Set(
    nodes.flatMap(({ name, leaving, isWitness }) =>
      isWitness || leaving === "drained" || (leaving === "stopping" && failover !== "never") ? [name] : [],
    ),
  );
  const going = instances.filter(({ node }) => left.has(node));
  if (going.length === 0) return new Set();
  const elsewhere = instances.length - going.length + roomFor(wanted, nodes, going.length);
  return new Set(going.slice(Math.max(0, replicas - elsewhere)));
}
