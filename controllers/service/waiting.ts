// Who waits for room on a node, and whom it concerns that some was given up: nothing else would tell them. Pure.
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedService } from "../../src/api/state.ts";
import type { NodeFacts } from "./facts.ts";
import { isForbidden, type Wanted } from "./placement.ts";
import { isMovable } from "./traits.ts";

/** Fewer are where they should be than are wanted, or may be there before others go: had it room, its turn would have come. */
export function waitsForRoom(service: Name, decided: DecidedService, nodes: readonly NodeFacts[]): boolean {
  const spec = decided.revisions[decided.target]?.spec;
  if (spec === undefined) return false;
  const wanted: Wanted = { service, spec, volumes: decided.volumes ?? {} };
  const good = new Set(nodes.flatMap((node) => (mayStay(wanted, node) ? [node.name] : [])));
  const right = decided.instances.filter(({ revision, node, to }) => revision === decided.target && to === undefined && good.has(node));
  const count = spec.replicas === "all" ? nodes.filter((node) => isOpen(node) && !isForbidden(wanted, node)).length : spec.replicas;
  return right.length < count;
}

function mayStay(wanted: Wanted, node: NodeFacts): boolean {
  const isLeft = node.leaving !== undefined || node.isWitness || (node.downSinceMs !== undefined && isMovable(wanted.spec));
  return !isLeft && !isForbidden(wanted, node);
}

/** It takes new instances, where they have room. */
export function isOpen({ record, downSinceMs, leaving, isWitness, schedulable }: NodeFacts): boolean {
  return record !== undefined && downSinceMs === undefined && leaving === undefined && !isWitness && schedulable;
}

/** By the keys of two decisions, one after the other, that name their nodes first. */
export function freedNodes(before: readonly string[], after: readonly string[]): ReadonlySet<NodeName> {
  const kept = new Set(after);
  return new Set(before.filter((key) => !kept.has(key)).map((key) => key.split(" ")[0] ?? ""));
}
