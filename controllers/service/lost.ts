// When it is certain that an instance does not run on a node that cannot be asked. What may run twice need not wait for that; of what must
// not, the node has promised to end it when it loses contact, and then time tells; else only the node itself can say so. Pure.
import { durationMs } from "../../src/api/durations.ts";
import { FENCE_AFTER_MS, KILL_LIMIT_MS, TAKEOVER_GRACE_MS } from "../../src/api/fence-times.ts";
import type { NodeName } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { HouseFacts, NodeFacts } from "./facts.ts";
import { cannotRunTwice } from "./traits.ts";

/**
 * After this a node that was taken out of the house has told its engine to stop its apps: it asks to be let in for 30 s before it takes itself
 * for one without a house; the rest is for finding out that its member is gone, and for an engine that is slow to answer.
 */
const TAKEN_OUT_MARGIN_MS = 40_000;

/** Within this a node that was taken out has stopped it: all containers at once, each with its own grace. */
export function takenOutMs({ containers }: ServiceSpec): number {
  return TAKEN_OUT_MARGIN_MS + Math.max(0, ...containers.map(({ stopGrace }) => durationMs(stopGrace)));
}

/**
 * Each node has its own, or had until it was deleted: then none is in another one's way. Where a number of them is wished for or decided, one
 * that was to run on each counts like any other: its node has promised nothing, and what takes its place must not run beside it.
 */
export function isOnEach(wished: ServiceSpec | undefined, decided: DecidedService | undefined): boolean {
  const specs = [wished, decided?.revisions[decided.target]?.spec];
  return specs.every((spec) => spec === undefined || spec.replicas === "all");
}

/** Milliseconds until then; `Infinity`: time alone does not tell. `spec`: of its revision. */
export function certainInMs(
  { id, node }: Pick<DecidedInstance, "id" | "node">,
  spec: ServiceSpec | undefined,
  { nodes, told, takenOut, isOnEach }: HouseFacts,
  now: number,
): number {
  if (spec === undefined || !cannotRunTwice(spec) || (isOnEach && spec.replicas === "all")) return 0;
  const facts = nodes.find(({ name }) => name === node);
  if (facts === undefined) return Math.max(0, (takenOut.get(node) ?? now) + takenOutMs(spec) - now);
  const promise = told.get(node)?.instances.find((instance) => instance.id === id);
  // What its node never told of was never started there.
  if (facts.downSinceMs === undefined || facts.goneSinceMs === undefined || (promise !== undefined && promise.fenced !== true))
    return Infinity;
  // With a silent agent the record may be gone for long: its ingress ends the instance once nobody of the house asks for it any more, and
  // that has been so since before it was declared Down.
  const endsMs = Math.max(facts.downSinceMs + FENCE_AFTER_MS + KILL_LIMIT_MS, facts.goneSinceMs + TAKEOVER_GRACE_MS);
  return Math.max(0, endsMs - now);
}

/** What is not decided any more and may still run on nodes that are Down: of each its node, and the time until that is certain. */
export function lingering(
  decided: DecidedService,
  house: HouseFacts,
  now: number,
): readonly { readonly node: NodeName; readonly certainInMs: number }[] {
  const ids = new Set(decided.instances.map(({ id }) => id));
  return house.nodes.filter(isDown).flatMap(({ name: node }) =>
    (house.told.get(node)?.instances ?? [])
      .filter(({ id }) => !ids.has(id))
      .map(({ id, revision }) => {
        const spec = decided.revisions[revision]?.spec ?? decided.revisions[decided.target]?.spec;
        return { node, certainInMs: certainInMs({ id, node }, spec, house, now) };
      })
      .filter((each) => each.certainInMs > 0),
  );
}

/**
 * Nodes that a decision counts on being Down and gone, with the revision of that verdict: it must still be so when the decision is written,
 * for a node that is back goes on with what is decided for it.
 */
export function nodesCountedOut(
  next: DecidedService | undefined,
  { nodes, decided, told }: HouseFacts,
): Readonly<Record<NodeName, number>> {
  const before = decided?.value.instances ?? [];
  const kept = new Set(next?.instances.map(({ id }) => id));
  const isCountedOn = (node: NodeName): boolean =>
    before.some((instance) => instance.node === node && !kept.has(instance.id)) ||
    (told.get(node)?.instances ?? []).some(({ id }) => !kept.has(id));
  const specs = [...Object.values(decided?.value.revisions ?? {}), ...Object.values(next?.revisions ?? {})].map(({ spec }) => spec);
  if (!specs.some(cannotRunTwice)) return {};
  return Object.fromEntries(
    nodes
      .filter((node) => isDown(node) && node.goneSinceMs !== undefined && isCountedOn(node.name))
      .map(({ name, verdict }) => [name, verdict]),
  );
}

function isDown({ downSinceMs }: NodeFacts): boolean {
  return downSinceMs !== undefined;
}
