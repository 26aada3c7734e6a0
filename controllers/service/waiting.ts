// Who waits for room on a node, and whom it concerns that some was given up: nothing else would tell them. Pure.
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedService } from "../../src/api/state.ts";
import type { NodeFacts } from "./facts.ts";
import { isForbidden, type Wanted } from "./placement.ts";
import { isMovable, pinnedNodes } from "./traits.ts";

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

/** In the place of a node: the decision alone does not say that its Service waits for nothing. */
export const ANYWHERE = "";

/**
 * The nodes that a decision relies on: as long as all of them are sound its Service does not wait for room. `ANYWHERE` is one of them
 * where the decision is short of instances, or where it depends on what nodes are (`require`, `replicas: all`).
 */
export function reliesOn(decided: DecidedService | undefined): readonly NodeName[] {
  const spec = decided?.revisions[decided.target]?.spec;
  if (decided === undefined || spec === undefined) return [];
  const homes = [...pinnedNodes(spec), ...Object.values(decided.volumes ?? {}).map(({ node }) => node)];
  const right = decided.instances.filter(
    ({ revision, node, to }) => revision === decided.target && to === undefined && homes.every((home) => home === node),
  );
  const isSure = spec.replicas !== "all" && right.length >= spec.replicas && spec.placement?.require === undefined;
  return [...new Set([...right.map(({ node }) => node), ...(isSure ? [] : [ANYWHERE])])];
}

/** What relies on it may have to go elsewhere. */
export function isUnsound({ leaving, isWitness, downSinceMs }: NodeFacts): boolean {
  return leaving !== undefined || isWitness || downSinceMs !== undefined;
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
