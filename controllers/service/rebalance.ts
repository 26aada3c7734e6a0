// Which instances would move so that the nodes are loaded more evenly: few, and never what has data or must not run twice. Nothing of it
// happens unless a person says so. Pure.
import type { InstanceMove } from "../../src/api/moves.ts";
import type { NodeName } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService } from "../../src/api/state.ts";
import { wantedOf } from "./decide.ts";
import type { NodeFacts } from "./facts.ts";
import type { KnownService } from "./foresee.ts";
import { fitness, fullPart, preferences, withLoad } from "./placement.ts";
import { cannotRunTwice, isMovable, reservedBytes } from "./traits.ts";
import { observedInstance } from "./verdict.ts";

const MOVES_MAX = 8;
/** A move that betters things by less than this part is not worth it. */
const GAIN_MIN = 0.05;

interface Candidate {
  readonly service: KnownService;
  readonly instance: DecidedInstance;
}

interface Choice extends Candidate {
  readonly to: NodeName;
  readonly nodes: readonly NodeFacts[];
  readonly unevenness: number;
}

/** The best move first, then the best one after that; of each Service one at most. */
export function rebalance(services: readonly KnownService[]): readonly InstanceMove[] {
  let nodes = services[0]?.house.nodes ?? [];
  let candidates = services.flatMap(movable).sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  const moves: InstanceMove[] = [];
  while (moves.length < MOVES_MAX) {
    const before = unevenness(nodes);
    const [best] = candidates.flatMap((each) => choices(each, nodes)).sort((a, b) => a.unevenness - b.unevenness);
    if (best === undefined || best.unevenness > before * (1 - GAIN_MIN)) break;
    moves.push(moveOf(best));
    nodes = best.nodes;
    candidates = candidates.filter(({ service }) => service !== best.service);
  }
  return moves;
}

/** The decision in which that instance is to run there instead; undefined: it is there no more. */
export function withMove(decided: DecidedService, id: string, to: NodeName): DecidedService | undefined {
  if (!decided.instances.some((instance) => instance.id === id)) return undefined;
  return { ...decided, instances: decided.instances.map((instance) => (instance.id === id ? { ...instance, to } : instance)) };
}

/** All of it runs and is ready, and it may be anywhere. */
function movable(service: KnownService): readonly Candidate[] {
  const { spec } = service.desired;
  const decided = service.house.decided?.value;
  if (decided === undefined || decided.good !== decided.target || spec.replicas === "all" || !isMovable(spec) || cannotRunTwice(spec))
    return [];
  const isReady = (instance: DecidedInstance): boolean => observedInstance(instance, service.house.observed)?.ready === true;
  if (!decided.instances.every((instance) => isReady(instance) && instance.to === undefined)) return [];
  return decided.instances.map((instance) => ({ service, instance }));
}

function choices({ service, instance }: Candidate, nodes: readonly NodeFacts[]): readonly Choice[] {
  const { desired, house } = service;
  const wanted = wantedOf(desired.metadata.name, desired.spec, house);
  const { spread, prefer } = desired.spec.placement ?? {};
  const own = nodes.find(({ name }) => name === instance.node);
  const used = new Set(house.decided?.value.instances.map(({ node }) => node));
  const open = fitness(wanted, nodes).filter(({ node, fits }) => fits && node !== instance.node && (spread === "none" || !used.has(node)));
  return open.flatMap(({ node: to }) => {
    const there = nodes.find(({ name }) => name === to);
    if (own === undefined || there === undefined || preferences(prefer, there) < preferences(prefer, own)) return [];
    const moved = nodes.map((node) => {
      if (node === own) return withLoad(desired.spec, node, -1);
      return node === there ? withLoad(desired.spec, node, 1) : node;
    });
    return [{ service, instance, to, nodes: moved, unevenness: unevenness(moved) }];
  });
}

/** Least when all are equally full: the sum of squares of what part of each is given away. */
function unevenness(nodes: readonly NodeFacts[]): number {
  return nodes.reduce((sum, node) => sum + fullPart(node) ** 2, 0);
}

function moveOf({ service, instance, to, nodes }: Choice): InstanceMove {
  const { metadata, spec } = service.desired;
  const percent = (name: NodeName): string =>
    `${Math.round(100 * nodes.filter((node) => node.name === name).reduce((sum, node) => sum + fullPart(node), 0))} %`;
  return {
    service: metadata.name,
    instance: nameOf({ service, instance }),
    from: instance.node,
    to,
    why: `reserves ${Math.round(reservedBytes(spec) / 2 ** 20)}Mi; then ${instance.node} is at ${percent(instance.node)} and ${to} at ${percent(to)}`,
    stopsFirst: false,
    others: (service.house.decided?.value.instances.length ?? 1) - 1,
    afterMs: 0,
  };
}

function nameOf({ service, instance }: Candidate): string {
  return `${service.desired.metadata.name}-${instance.id}`;
}
