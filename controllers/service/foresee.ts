// What would become of every Service if the nodes were otherwise: the real decisions, taken one after the other on paper, as if all that is
// placed came up well and all that is taken away went. Pure.
import { durationMs } from "../../src/api/durations.ts";
import type { InstanceMove } from "../../src/api/moves.ts";
import type { Name, NodeName, Resource } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService, ObservedInstance, ObservedService } from "../../src/api/state.ts";
import type { Seen } from "../../src/engine/contract.ts";
import { decide, wantedOf } from "./decide.ts";
import type { HouseFacts, NodeFacts } from "./facts.ts";
import { fitness, withLoad, type Wanted } from "./placement.ts";
import { cannotRunTwice } from "./traits.ts";
import { observedInstance } from "./verdict.ts";

export interface KnownService {
  readonly desired: Resource<"Service">;
  readonly house: HouseFacts;
}

/** More steps than any update has. */
const STEPS_MAX = 500;
/** All that waits for time has waited long enough. */
const LATER_MS = Number.MAX_SAFE_INTEGER;

/**
 * `node`: the one that things move away from; `becomes`: how it is then. What is there and moves or stays, by name. Services are asked in
 * the order of their names, each with the load of what moved before it.
 */
export function foresee(services: readonly KnownService[], node: NodeName, becomes: Becomes): readonly InstanceMove[] {
  let nodes: readonly NodeFacts[] = services[0]?.house.nodes.map((each) => (each.name === node ? becomes(each) : each)) ?? [];
  const moves: InstanceMove[] = [];
  for (const service of [...services].sort(byName)) {
    const there = service.house.decided?.value.instances.filter((each) => each.node === node) ?? [];
    if (there.length === 0) continue;
    const house = { ...service.house, nodes };
    const after = settled(service.desired, house);
    moves.push(...fates(service, { there, after, house }));
    nodes = loaded(nodes, service.house.decided?.value, after);
  }
  return moves;
}

function settled(desired: Resource<"Service">, house: HouseFacts): DecidedService | undefined {
  let { decided } = house;
  for (let steps = 0; steps < STEPS_MAX; steps++) {
    const { next } = decide(desired.metadata.name, desired, { ...house, decided, observed: allWell(decided?.value, house) }, LATER_MS);
    if (next === decided?.value) break;
    decided = next && { value: next, modRevision: decided?.modRevision ?? 0, seenAtMs: 0 };
  }
  return decided?.value;
}

/** On nodes that can say so; but what an update failed with does not come up for being waited for. */
function allWell(decided: DecidedService | undefined, { nodes, observed }: HouseFacts): ReadonlyMap<NodeName, Seen<ObservedService>> {
  const alive = nodes.filter(({ record, downSinceMs }) => record !== undefined && downSinceMs === undefined);
  return new Map(
    alive.map(({ name, record }) => {
      const here = (decided?.instances ?? []).filter(({ node }) => node === name);
      const instances = here.map((each): ObservedInstance => {
        const { id, revision } = each;
        const found = revision === decided?.failed?.revision ? observedInstance(each, observed) : undefined;
        return found ?? { id, revision, ready: true, addresses: {}, containers: [], conditions: [] };
      });
      return [name, { value: { bootId: record?.value.bootId ?? "", instances }, modRevision: 0, seenAtMs: 0 }];
    }),
  );
}

interface Outcome {
  readonly there: readonly DecidedInstance[];
  readonly after: DecidedService | undefined;
  readonly house: HouseFacts;
}

function fates({ desired, house: before }: KnownService, { there, after, house }: Outcome): readonly InstanceMove[] {
  const { metadata, spec } = desired;
  const instances = after?.instances ?? [];
  const kept = new Set(instances.map(({ id }) => id));
  const here = there[0]?.node;
  const elsewhere = instances.filter(({ node }) => node !== here);
  const known = new Set(before.decided?.value.instances.map(({ id }) => id));
  // What was placed for them already, and waits to be ready, comes after what is still to be placed.
  const later = [...elsewhere.filter(({ id }) => !known.has(id)), ...elsewhere.filter(({ id }) => known.has(id)).reverse()];
  // What runs once on each node is nobody's heir.
  const heirs = spec.replicas === "all" ? [] : later;
  const others = elsewhere.filter((instance) => observedInstance(instance, before.observed)?.ready === true).length;
  const wanted = wantedOf(metadata.name, spec, house);
  return there.map((instance): InstanceMove => {
    const heir = kept.has(instance.id) ? undefined : heirs.shift();
    return {
      service: metadata.name,
      instance: `${metadata.name}-${instance.id}`,
      from: instance.node,
      ...(heir !== undefined && { to: heir.node }),
      why: heir?.why ?? (kept.has(instance.id) || spec.replicas === "all" ? whyItStays(wanted, instance.node, house) : "fewer are wanted"),
      stopsFirst: cannotRunTwice(spec),
      others,
      afterMs: spec.failover === "never" ? 0 : durationMs(spec.failover.after),
    };
  });
}

function whyItStays(wanted: Wanted, here: NodeName, { nodes }: HouseFacts): string {
  const { replicas, failover } = wanted.spec;
  if (replicas === "all") return "it runs once on each node";
  const elsewhere = fitness(wanted, nodes).filter(({ node }) => node !== here);
  const own = nodes.find(({ name }) => name === here);
  if (elsewhere.length === 0) return "there is no other node";
  if (elsewhere.every(({ fits }) => !fits)) {
    const reasons = new Set(elsewhere.map(({ reason }) => reason));
    const [only] = reasons;
    return reasons.size === 1 && only !== undefined ? only : elsewhere.map(({ node, reason }) => `${node}: ${reason}`).join("; ");
  }
  if (own?.leaving !== "drained" && failover === "never") return "its failover is 'never'";
  if (own?.downSinceMs !== undefined) return `two at once would do harm, and nobody can tell that ${here} has stopped it`;
  return "the others have no room for more of it";
}

function loaded(nodes: readonly NodeFacts[], before: DecidedService | undefined, after: DecidedService | undefined): readonly NodeFacts[] {
  const had = new Set(before?.instances.map(({ id }) => id));
  const has = new Set(after?.instances.map(({ id }) => id));
  const came = (after?.instances ?? []).filter(({ id }) => !had.has(id));
  const went = (before?.instances ?? []).filter(({ id }) => !has.has(id));
  return nodes.map((node) => {
    let next = node;
    for (const { node: where, revision } of came) if (where === node.name) next = withLoad(after?.revisions[revision]?.spec, next, 1);
    for (const { node: where, revision } of went) if (where === node.name) next = withLoad(before?.revisions[revision]?.spec, next, -1);
    return next;
  });
}

export type Becomes = (node: NodeFacts) => NodeFacts;

export const left =
  (leaving: NonNullable<NodeFacts["leaving"]>): Becomes =>
  (node) => ({ ...node, leaving });
export const dead: Becomes = (node) => ({ ...node, record: undefined, downSinceMs: 0, goneSinceMs: 0 });

function byName(a: KnownService, b: KnownService): number {
  const [one, other]: readonly [Name, Name] = [a.desired.metadata.name, b.desired.metadata.name];
  return one < other ? -1 : one > other ? 1 : 0;
}
