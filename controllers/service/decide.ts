// What should be decided of a Service: its target revision, its instances and their nodes, and what became of an update. One step at
// a time; any node may take it, because the same facts give the same step everywhere.
import { durationMs } from "../../src/api/durations.ts";
import { canonicalJson } from "../../src/api/hash.ts";
import type { Name, NodeName, Resource } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService, ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { earliest } from "./earliest.ts";
import type { HouseFacts } from "./facts.ts";
import { mustBeHeld, takeStep, wantedCount, withoutRooted } from "./instances.ts";
import { leavingInstances, withPossibleCalls } from "./leaving.ts";
import { certainInMs, lingering } from "./lost.ts";
import { isForbidden, roomFor, type Wanted } from "./placement.ts";
import { preparedNodes } from "./prepared.ts";
import type { Standing } from "./rollout.ts";
import { revisionHash } from "./spec-hash.ts";
import { cannotRunTwice, isMovable, updateOrder, volumeNames } from "./traits.ts";
import { verdict, type Verdict } from "./verdict.ts";
import { takenVolumes } from "./volumes.ts";

export interface Decision {
  /** The same object as what is decided: nothing is to be done. Undefined: nothing of the Service is left. */
  readonly next: DecidedService | undefined;
  /** The node of the first new instance. */
  readonly chosen: NodeName | undefined;
  /** Instances that are wanted and that no node can take now. */
  readonly unplaced: number;
  /** A moment at which time alone changes the decision. */
  readonly recheckAfterMs: number | undefined;
}

export function decide(name: Name, desired: Resource<"Service"> | undefined, house: HouseFacts, now: number): Decision {
  const decided = house.decided?.value;
  if (desired === undefined) return settled(retire(decided, house, now));
  const isPaused = desired.spec.update.paused === true && decided?.uid === desired.metadata.uid;
  const aimed = isPaused && decided !== undefined ? scaled(decided, desired.spec) : aim(desired, decided);
  const hasStopped = aimed.failed?.revision === aimed.target;
  return hasStopped ? beside(aimed, { name, house, now }) : advance(aimed, { name, house, now, isHeld: isPaused });
}

interface Around {
  readonly name: Name;
  readonly house: HouseFacts;
  readonly now: number;
}

interface Course extends Around {
  /** Nothing is brought out; what runs stays, of whichever revision it is, and what is lost is replaced. */
  readonly isHeld: boolean;
  /** They are in nobody's place any more. */
  readonly spent?: readonly DecidedInstance[];
  /** So many more there are, which are to be looked at. */
  readonly besides?: number;
}

function advance(aimed: DecidedService, { name, house, now, isHeld, spent = [], besides = 0 }: Course): Decision {
  const spec = targetSpec(aimed);
  if (spec === undefined) return settled(aimed);
  const wanted = wantedOf(name, spec, house);
  const noted = withTaken(aimed, wanted);
  if (noted !== aimed) return settled(noted);
  const possible = withPossibleCalls(aimed, wanted, house);
  if (possible !== aimed) return settled(possible);
  const { alive, waitMs } = withoutLost(aimed, wanted, house, now);
  const right = alive.filter(
    (instance) =>
      (instance.revision === aimed.target || isHeld) &&
      !spent.includes(instance) &&
      !house.nodes.some((node) => node.name === instance.node && isForbidden(wanted, node)) &&
      !isSecond(instance, alive, spec),
  );
  const leaving = leavingInstances(right, wanted, house);
  const current = new Set(right.filter((instance) => !leaving.has(instance) && instance.to === undefined));
  const standings = alive.map((instance): Standing => {
    const found = verdict(instance, spec, house.observed, now);
    const isOfEarlierTry = !isHeld && found.kind === "failing" && isMadeBefore(instance, aimed);
    return { instance, verdict: found, current: current.has(instance) && !isOfEarlierTry, ...(isOfEarlierTry && { stale: true }) };
  });
  const others = withoutRooted(standings, { decided: aimed, wanted, house });
  const judgedBy = others.length > 0 ? others : standings;
  const judged = isHeld ? aimed : judge(aimed, spec, judgedBy, wantedCount(wanted, judgedBy, house));
  if (judged !== aimed) return settled(judged);
  const held = isHeld && new Set(alive.map(({ revision }) => revision)).size > 1;
  const moved = takeStep({ decided: aimed, standings, wanted, house, now, held, besides });
  const lingerMs = moved.unplaced > 0 ? lingering(aimed, house, now).map((each) => each.certainInMs) : [];
  return { ...moved, recheckAfterMs: earliest([waitMs, settlesInMs(moved.next, standings), ...lingerMs.filter(Number.isFinite)]) };
}

/**
 * An update that failed and is not to be rolled back stays as it is, for a person to look at. The app goes on meanwhile as it was before:
 * what is lost or has to leave is replaced by the revision that was good, in the order of that update. Where both may run beside each other,
 * as where one was to be on each node and of the good one there may be one alone, what fails of it is in nobody's place: as many stay to be
 * looked at as it tried at a time, and what is starting or ready just now counts among them, for it may end at any moment.
 */
function beside(stopped: DecidedService, { name, house, now }: Around): Decision {
  const { target, good = target, revisions, instances } = stopped;
  const { [good]: before, [target]: failed } = revisions;
  if (before === undefined || failed === undefined || good === target) return settled(stopped);
  const left = new Set(house.nodes.filter(({ leaving }) => leaving !== undefined).map((node) => node.name));
  const order = updateOrder(failed.spec);
  const rejoined = withReplicas(before.spec, failed.spec.replicas);
  const mayStandBy = order === "start-first" || (failed.spec.replicas === "all" && rejoined.replicas !== "all");
  const tried = mayStandBy ? instances.filter(({ node, revision }) => revision === target && !left.has(node)) : [];
  const ofKind = (kind: Verdict["kind"]): readonly DecidedInstance[] =>
    tried.filter((instance) => verdict(instance, failed.spec, house.observed, now).kind === kind);
  const failing = ofKind("failing");
  const shown = [...failing, ...ofKind("waiting"), ...ofKind("ready")].slice(0, failed.spec.update.parallel);
  const update = { ...failed.spec.update, order: cannotRunTwice(before.spec) ? "stop-first" : order } as const;
  const spec = { ...rejoined, update };
  const running: DecidedService = {
    ...stopped,
    target: good,
    revisions: { ...revisions, [good]: { ...before, spec } },
    instances: instances.filter((instance) => !shown.includes(instance)),
  };
  const apart: HouseFacts = { ...house, observed: without(shown, house.observed) };
  const course: Course = { name, house: apart, now, isHeld: true, spent: [...failing, ...shown], besides: shown.length };
  const decision = advance(running, course);
  if (decision.next === undefined || decision.next === running)
    return areInTheWay(running, course) ? settled({ ...stopped, instances: running.instances }) : { ...decision, next: stopped };
  return { ...decision, next: { ...decision.next, target, revisions, instances: [...decision.next.instances, ...shown] } };
}

/** What is to be looked at leaves no room for what has to move, even once all that is not decided any more has ended. */
function areInTheWay(running: DecidedService, course: Course): boolean {
  const ids = new Set(running.instances.map(({ id }) => id));
  const { observed } = course.house;
  const ending = [...observed.values()].flatMap(({ value }) => value.instances).filter(({ id }) => !ids.has(id));
  const later: Course = { ...course, house: { ...course.house, observed: without(ending, observed) } };
  return advance(running, later).chosen === undefined && advance(running, { ...later, besides: 0 }).chosen !== undefined;
}

function without(instances: readonly { readonly id: string }[], observed: HouseFacts["observed"]): HouseFacts["observed"] {
  const ids = new Set(instances.map(({ id }) => id));
  const others = (value: ObservedService): ObservedService => ({ ...value, instances: value.instances.filter(({ id }) => !ids.has(id)) });
  return new Map([...observed].map(([node, seen]) => [node, { ...seen, value: others(seen.value) }]));
}

/** For the same spec, but for an earlier generation of it: another number, say, was wished for in the middle of an update. */
function isMadeBefore({ revision, generation }: DecidedInstance, { target, good, revisions }: DecidedService): boolean {
  return good !== target && revision === target && generation !== revisions[target]?.generation;
}

/** `all` is one a node: what an earlier number of replicas put beside it is in the place of one elsewhere. */
function isSecond(instance: DecidedInstance, all: readonly DecidedInstance[], { replicas }: ServiceSpec): boolean {
  return replicas === "all" && all.find(({ node, revision }) => node === instance.node && revision === instance.revision) !== instance;
}

function settled(next: DecidedService | undefined): Decision {
  return { next, chosen: undefined, unplaced: 0, recheckAfterMs: undefined };
}

/** Nodes stop what is not decided, with the grace that the revisions name; then the rest can go. */
function retire(decided: DecidedService | undefined, house: HouseFacts, now: number): DecidedService | undefined {
  if (decided === undefined) return undefined;
  const instances = decided.instances.filter((instance) => mustBeHeld(instance, decided, house, now));
  if (instances.length < decided.instances.length) return { ...decided, instances };
  const gone = instances.length === 0 && [...house.observed.values()].every(({ value }) => value.instances.length === 0);
  return gone ? undefined : decided;
}

/** The target follows the desired spec, but for a generation that failed already. */
function aim(desired: Resource<"Service">, decided: DecidedService | undefined): DecidedService {
  const { uid, generation } = desired.metadata;
  const target = revisionHash(desired.spec);
  if (decided?.uid === uid) {
    const isKnown = decided.target === target && decided.revisions[target]?.generation === generation;
    if (isKnown || decided.failed?.generation === generation) return decided;
  }
  const { failed: _, ...kept } = decided ?? { serial: 0, instances: [], revisions: {} };
  return { ...kept, uid, target, revisions: { ...kept.revisions, [target]: { generation, spec: desired.spec } } };
}

/** How many there are is no change of what they run. */
function scaled(decided: DecidedService, { replicas }: ServiceSpec): DecidedService {
  const { target, revisions } = decided;
  const before = revisions[target];
  if (before === undefined) return decided;
  const spec = withReplicas(before.spec, replicas);
  if (spec.replicas === before.spec.replicas) return decided;
  return { ...decided, revisions: { ...revisions, [target]: { ...before, spec } } };
}

function targetSpec(decided: DecidedService): ServiceSpec | undefined {
  return decided.revisions[decided.target]?.spec;
}

/** Its Volumes are where they are: decided for this Service, or before it for another. */
export function wantedOf(service: Name, spec: ServiceSpec, house: HouseFacts): Wanted {
  const taken = takenVolumes(service, spec, house);
  const volumes = volumeNames(service, spec).flatMap((name) => {
    const volume = house.decided?.value.volumes?.[name] ?? house.volumes[name];
    return volume && taken[name] === undefined ? [[name, volume] as const] : [];
  });
  return { service, spec, volumes: Object.fromEntries(volumes), taken, prepared: preparedNodes(spec, house.observed) };
}

/** Written down, so that whoever asks is told without the store, and for as long as they are another's. */
function withTaken(decided: DecidedService, { taken = {} }: Wanted): DecidedService {
  const { takenVolumes: before = {}, ...others } = decided;
  if (canonicalJson(before) === canonicalJson(taken)) return decided;
  return Object.keys(taken).length === 0 ? others : { ...others, takenVolumes: taken };
}

/**
 * An instance on a node that is Down is given up for another one after `failover.after`, if another node may run it at all; what must not
 * run twice when it is certain, besides, that it runs there no more. Of what runs at rest only as many are given up as others can take:
 * the rest would help nobody by being forgotten, and goes on where it is when its node is back.
 */
function withoutLost(
  decided: DecidedService,
  wanted: Wanted,
  house: HouseFacts,
  now: number,
): { readonly alive: readonly DecidedInstance[]; readonly waitMs: number | undefined } {
  const { instances, revisions } = decided;
  const { spec } = wanted;
  if (spec.failover === "never" || !isMovable(spec)) return { alive: instances, waitMs: undefined };
  const afterMs = durationMs(spec.failover.after);
  const leftMs = new Map(
    instances.map((instance) => {
      const node = house.nodes.find(({ name }) => name === instance.node);
      // One that is in no house any more was taken out by a person.
      const lostAtMs = node === undefined ? -Infinity : node.downSinceMs === undefined ? Infinity : node.downSinceMs + afterMs;
      return [instance, Math.max(lostAtMs - now, certainInMs(instance, revisions[instance.revision]?.spec, house, now))];
    }),
  );
  const waits = [...leftMs.values()].filter((ms) => ms > 0 && ms < Infinity);
  const lost = instances.filter((instance) => (leftMs.get(instance) ?? 0) <= 0);
  const kept = new Set(
    lost.slice(roomForLost(decided, lost, wanted, house)).filter(({ node }) => house.nodes.some(({ name }) => name === node)),
  );
  return { alive: instances.filter((instance) => !lost.includes(instance) || kept.has(instance)), waitMs: earliest(waits) };
}

/** How many of them others can take, besides what is to be placed anyway. */
function roomForLost(decided: DecidedService, lost: readonly DecidedInstance[], wanted: Wanted, { nodes }: HouseFacts): number {
  const { replicas } = wanted.spec;
  // An update does not wait for a node that is away; and what is to run once on each node has no place elsewhere.
  if (replicas === "all" || decided.good !== decided.target) return lost.length;
  const missing = Math.max(0, replicas - decided.instances.length);
  return Math.max(0, roomFor(wanted, nodes, missing + lost.length) - missing);
}

/**
 * How an update ends: well, when all that is wanted has been ready through `monitor`; badly, when an instance that was made for it will
 * not become ready. What ran the same spec before it and fails now is trouble of its own, and is made anew.
 */
function judge(decided: DecidedService, spec: ServiceSpec, standings: readonly Standing[], wanted: number): DecidedService {
  const { good, target, revisions, instances } = decided;
  if (good === target) return decided;
  if (standings.length === wanted && standings.every(({ current, verdict }) => current && verdict.kind === "settled")) {
    const needed = [target, ...(good === undefined ? [] : [good]), ...instances.map(({ revision }) => revision)];
    return { ...decided, good: target, revisions: pick(revisions, needed) };
  }
  const failing = standings
    .filter(({ current }) => current)
    .map(({ verdict }) => (verdict.kind === "failing" ? verdict.condition : undefined))
    .find((found) => found);
  // One that was replaced before all of it was ready through `monitor` has proven itself since, where it still serves.
  const isReplaced = ({ current, verdict, instance }: Standing): boolean =>
    !current && verdict.kind === "settled" && instance.revision !== target;
  const back = good ?? standings.find(isReplaced)?.instance.revision;
  if (failing === undefined || back === undefined || spec.update.onFailure === "continue") return decided;
  const failed = { generation: revisions[target]?.generation ?? 0, revision: target, reason: failing.reason, message: failing.message };
  const { [back]: before } = revisions;
  if (spec.update.onFailure !== "rollback" || before === undefined) return { ...decided, failed, good: back };
  const returned = { ...revisions, [back]: { ...before, spec: withReplicas(before.spec, spec.replicas) } };
  return { ...decided, failed, good: back, target: back, revisions: returned };
}

/**
 * What failed are the containers: how many there should be is as wished for last, else a rollback could stop what was started since. Of what
 * must not run twice there are several only where it was wished for with several.
 */
function withReplicas(spec: ServiceSpec, replicas: ServiceSpec["replicas"]): ServiceSpec {
  const wasSingle = spec.replicas !== "all" && spec.replicas < 2;
  return { ...spec, replicas: replicas !== 0 && wasSingle && cannotRunTwice(spec) ? 1 : replicas };
}

/** When an instance that is ready will have been so for long enough, if anything waits for it. */
function settlesInMs(next: DecidedService | undefined, standings: readonly Standing[]): number | undefined {
  const rests = next === undefined || (next.good === next.target && standings.every(({ current }) => current));
  return rests ? undefined : earliest(standings.map(({ verdict }) => (verdict.kind === "ready" ? verdict.settledInMs : undefined)));
}

function pick(revisions: DecidedService["revisions"], names: readonly string[]): DecidedService["revisions"] {
  return Object.fromEntries(Object.entries(revisions).filter(([name]) => names.includes(name)));
}
