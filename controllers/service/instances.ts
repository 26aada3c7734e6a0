// Puts one step of an update into effect on paper: takes instances out of what is decided and finds places for new ones, without
// ever letting two of a kind that must not run twice exist.
import { hash, instanceId } from "../../src/api/hash.ts";
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService, DecidedVolume } from "../../src/api/state.ts";
import type { HouseFacts, NodeFacts } from "./facts.ts";
import { comingLoads, countByNode, fitness, isForbidden, place, roomFor, withLoad, type Coming, type Wanted } from "./placement.ts";
import { certainInMs, lingering } from "./lost.ts";
import { step, type Standing } from "./rollout.ts";
import { cannotRunTwice, updateOrder, volumeNames } from "./traits.ts";
import { newVolume } from "./volumes.ts";

export interface Situation {
  readonly decided: DecidedService;
  readonly standings: readonly Standing[];
  readonly wanted: Wanted;
  readonly house: HouseFacts;
  readonly now: number;
  /** It is paused half-way. */
  readonly held?: boolean;
  /** So many more instances stay, in nobody's place. */
  readonly besides?: number;
}

export interface Moved {
  /** The same object as before when nothing can be done now. */
  readonly next: DecidedService;
  /** The node of the first new instance. */
  readonly chosen: NodeName | undefined;
  /** Instances that are wanted and that no node can take now. */
  readonly unplaced: number;
}

export function takeStep(situation: Situation): Moved {
  const { decided, standings, wanted, house, now } = situation;
  const { spec } = wanted;
  const leaving = [...leavingNodes(decided, house), ...lingering(decided, house, now).map(({ node }) => node)];
  const others = replaceableFirst(withoutRooted(standings, situation), situation);
  const count = wantedCount(wanted, others, house);
  const next = step(others, {
    wanted: count,
    each: spec.replicas === "all",
    order: updateOrder(spec),
    update: spec.update,
    rollingBack: decided.failed !== undefined,
    moving: standings.every(({ current, instance }) => current || situation.held === true || instance.revision === decided.target),
    held: situation.held === true,
    proven: decided.good === decided.target,
    leaving: leaving.length + (situation.besides ?? 0),
    pending: pending(others, count, situation),
  });
  const removed = withoutSpared(next.remove, count, situation).filter((instance) => !mustBeHeld(instance, decided, house, now));
  const kept = standings.map(({ instance }) => instance).filter((instance) => !removed.includes(instance));
  const stopping = [...leaving, ...next.remove.map(({ node }) => node)];
  const open = house.nodes.filter((node) => isOpen(node, situation, { kept, stopping }));
  const called = standings.flatMap(({ current, instance: { to } }) => (!current && to !== undefined ? [to] : []));
  const placed = placeMany(next.add, { ...decided, instances: kept }, wanted, {
    open,
    called,
    coming: comingLoads(next.add > 0 ? house.ahead : [], house.nodes),
  });
  const isSame = placed.chosen === undefined && kept.length === decided.instances.length;
  return { next: isSame ? decided : placed.next, chosen: placed.chosen, unplaced: next.add - placed.count };
}

/**
 * Under stop-first nothing of a number that may stay, and is wanted, is stopped for one that no node could take: neither where it stops nor
 * elsewhere, once what is missing already has been placed.
 */
function withoutSpared(
  remove: readonly DecidedInstance[],
  count: number,
  { decided, standings, wanted, house, now }: Situation,
): readonly DecidedInstance[] {
  const { spec } = wanted;
  if (updateOrder(spec) === "start-first" || spec.replicas === "all" || remove.length === 0) return remove;
  // Beside what may still run somewhere nothing may be started anywhere.
  const isBarred = cannotRunTwice(spec) && lingering(decided, house, now).length > 0;
  const forbidden = new Set(house.nodes.filter((node) => isForbidden(wanted, node)).map(({ name }) => name));
  const may = standings.flatMap(({ instance, current, verdict }) =>
    remove.includes(instance) && !current && verdict.kind !== "failing" && !forbidden.has(instance.node) ? [instance] : [],
  );
  const room = (nodes: readonly NodeFacts[]): number => (isBarred ? 0 : roomFor(wanted, nodes, count + remove.length));
  let nodes = remove.filter((instance) => !may.includes(instance)).reduce((left, gone) => withoutOne(gone, decided, left), house.nodes);
  let missing = count - standings.length + remove.length - may.length;
  const spared = new Set<DecidedInstance>();
  for (const instance of may) {
    const after = withoutOne(instance, decided, nodes);
    const isReplaced = room(after) > room(nodes) || room(nodes) > Math.max(0, missing);
    if (!isReplaced && missing + 1 > 0) spared.add(instance);
    else [nodes, missing] = [after, missing + 1];
  }
  return remove.filter((instance) => !spared.has(instance));
}

/** Under stop-first those go first whose own nodes take their new ones: what is not to be replaced now holds nobody up. */
function replaceableFirst(standings: readonly Standing[], { decided, wanted, house }: Situation): readonly Standing[] {
  const { spec } = wanted;
  if (updateOrder(spec) === "start-first" || spec.replicas === "all") return standings;
  const isReplaceable = ({ current, instance }: Standing): boolean => {
    const own = house.nodes.filter(({ name }) => name === instance.node);
    return current || roomFor(wanted, withoutOne(instance, decided, own), 1) > 0;
  };
  const { first = [], later = [] } = Object.groupBy(standings, (each) => (isReplaceable(each) ? "first" : "later"));
  return [...first, ...later];
}

/** What an instance reserves is given back. */
function withoutOne({ node, revision }: DecidedInstance, { revisions }: DecidedService, nodes: readonly NodeFacts[]): readonly NodeFacts[] {
  return nodes.map((each) => (each.name === node ? withLoad(revisions[revision]?.spec, each, -1) : each));
}

/** So many were taken away and can be placed, once what they leave behind has ended. */
function pending(standings: readonly Standing[], count: number, { wanted, house: { nodes } }: Situation): number {
  const missing = Math.max(0, count - standings.length);
  if (wanted.spec.replicas !== "all") return roomFor(wanted, nodes, missing);
  const empty = nodes.filter(({ name }) => standings.every(({ instance }) => instance.node !== name));
  return Math.min(missing, empty.filter((node) => roomFor(wanted, [node], 1) > 0).length);
}

/**
 * Of `all`: old ones that may stay on their nodes, which take no new one now, not even in their place; one of each such node. An update does
 * not wait for them.
 */
function irreplaceable(
  standings: readonly Standing[],
  { decided, wanted, house }: Pick<Situation, "decided" | "wanted" | "house">,
): readonly Standing[] {
  if (wanted.spec.replicas !== "all") return [];
  return house.nodes.flatMap((node) => {
    const there = standings.filter(({ instance }) => instance.node === node.name);
    if (there.some(({ current }) => current) || isForbidden(wanted, node)) return [];
    const old = there.filter(({ verdict }) => verdict.kind !== "failing").slice(0, 1);
    return old.some(({ instance }) => roomFor(wanted, withoutOne(instance, decided, [node]), 1) > 0) ? [] : old;
  });
}

/** Without them; what their nodes have besides is one too many there, and in the place of none. */
export function withoutRooted(
  standings: readonly Standing[],
  situation: Pick<Situation, "decided" | "wanted" | "house">,
): readonly Standing[] {
  const rooted = irreplaceable(standings, situation);
  const nodes = new Set(rooted.map(({ instance }) => instance.node));
  const others = standings.filter((standing) => !rooted.includes(standing));
  return others.map((other) => (nodes.has(other.instance.node) ? { ...other, second: true } : other));
}

/** `all` means one on each node that fits, and on each that has one already and may keep it. */
export function wantedCount(wanted: Wanted, standings: readonly Standing[], house: HouseFacts): number {
  const { replicas } = wanted.spec;
  if (replicas !== "all") return replicas;
  const fit = fitness(wanted, house.nodes)
    .filter(({ fits }) => fits)
    .map(({ node }) => node);
  const forbidden = new Set(house.nodes.filter((node) => isForbidden(wanted, node)).map(({ name }) => name));
  const kept = standings.flatMap(({ instance: { node }, second }) => (second === true || forbidden.has(node) ? [] : [node]));
  return new Set([...fit, ...kept]).size;
}

/**
 * On a node that cannot be asked, an instance that must not run twice stays decided until it is certain that it runs there no more: once it
 * is forgotten, nobody would know that it may.
 */
export function mustBeHeld(instance: DecidedInstance, decided: DecidedService, house: HouseFacts, now: number): boolean {
  const spec = decided.revisions[instance.revision]?.spec;
  const node = house.nodes.find(({ name }) => name === instance.node);
  const isAway = node === undefined || node.record === undefined || node.downSinceMs !== undefined;
  return isAway && certainInMs(instance, spec, house, now) > 0;
}

/** Nodes on which something still exists that is no longer decided, one for each instance. */
function leavingNodes(decided: DecidedService, house: HouseFacts): readonly NodeName[] {
  const ids = new Set(decided.instances.map(({ id }) => id));
  return [...house.observed].flatMap(([node, { value }]) => value.instances.filter(({ id }) => !ids.has(id)).map(() => node));
}

interface Movement {
  readonly kept: readonly DecidedInstance[];
  readonly stopping: readonly NodeName[];
}

function isOpen(node: NodeFacts, { standings, wanted }: Situation, { kept, stopping }: Movement): boolean {
  const { spec } = wanted;
  // On one node what stops and what starts come one after the other; on two nobody would see to that.
  if (cannotRunTwice(spec) && stopping.some((name) => name !== node.name)) return false;
  if (spec.replicas !== "all") return true;
  const here = standings.filter(({ instance }) => instance.node === node.name && kept.includes(instance));
  return here.length === 0 || (updateOrder(spec) === "start-first" && here.every(({ current }) => !current));
}

function placeMany(
  count: number,
  start: DecidedService,
  wanted: Wanted,
  nodes: { readonly open: readonly NodeFacts[]; readonly called: readonly NodeName[]; readonly coming: Coming },
): { readonly next: DecidedService; readonly chosen: NodeName | undefined; readonly count: number } {
  let next = start;
  let volumes = wanted.volumes;
  let { open } = nodes;
  let placed = 0;
  let chosen: NodeName | undefined;
  for (; placed < count; placed++) {
    const counts = countByNode(next.instances);
    const asked = open.filter(({ name }) => name === nodes.called[placed]);
    const found = place({ ...wanted, volumes }, asked, counts) ?? place({ ...wanted, volumes }, open, counts, nodes.coming);
    if (found === undefined) break;
    volumes = { ...newVolumes(next.uid, wanted, found.node), ...volumes };
    next = withInstance(next, { service: wanted.service, ...found });
    if (wanted.spec.replicas === "all") open = open.filter(({ name }) => name !== found.node);
    else open = open.map((node) => (node.name === found.node ? withLoad(wanted.spec, node, 1) : node));
    chosen ??= found.node;
  }
  const used = Object.keys(volumes).length > 0 && placed > 0;
  return { next: used ? { ...next, volumes: { ...next.volumes, ...volumes } } : next, chosen, count: placed };
}

function withInstance(
  decided: DecidedService,
  { service, node, why }: { readonly service: Name; readonly node: NodeName; readonly why: string },
): DecidedService {
  const taken = new Set(decided.instances.map(({ id }) => id));
  let serial = decided.serial + 1;
  while (taken.has(instanceId(service, decided.uid, serial))) serial += 1;
  const { uid, target } = decided;
  const generation = decided.revisions[target]?.generation ?? 0;
  const instance = { id: instanceId(service, uid, serial), node, revision: target, generation, why };
  return { ...decided, serial, instances: [...decided.instances, instance] };
}

/** A Volume that nobody made yet is made where the first instance runs that needs it. */
function newVolumes(uid: string, { service, spec }: Wanted, node: NodeName): Readonly<Record<Name, DecidedVolume>> {
  return Object.fromEntries(
    volumeNames(service, spec).map((name) => [name, newVolume(name, service, { node, uid: hash(`${uid}/${name}`) })]),
  );
}
