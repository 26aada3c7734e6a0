// One step of an update: which instances to add and which to take away, so that the house comes from what runs to what is wanted
// without ever running more than it may or taking away the last that serves.
import type { NodeName } from "../../src/api/resource.ts";
import type { DecidedInstance } from "../../src/api/state.ts";
import type { Update } from "../../src/api/types.ts";
import type { UpdateOrder } from "./traits.ts";
import type { Verdict } from "./verdict.ts";

export interface Standing {
  readonly instance: DecidedInstance;
  readonly verdict: Verdict;
  /** It runs the target revision, on a node that the target may run on. */
  readonly current: boolean;
  /** It fails, and was made for an earlier try of the target revision: a new one takes its place. */
  readonly stale?: boolean;
  /** Its node has another one that stays, where each node is to have one. */
  readonly second?: boolean;
}

export interface Aim {
  readonly wanted: number;
  /** One on each fit node: the old one of a node goes for the new one of that node. */
  readonly each: boolean;
  readonly order: UpdateOrder;
  readonly update: Update;
  /** The update failed and this is the way back: what fails goes at once. */
  readonly rollingBack: boolean;
  /** Nothing new is tried, instances only move: one that is ready need not prove itself through `monitor`. */
  readonly proven: boolean;
  /** Nothing is brought out, instances only change their nodes: what fails elsewhere holds none of them up. */
  readonly moving: boolean;
  /** It is paused half-way: those that are to make room for others stay, too. */
  readonly held?: boolean;
  /** Instances that were taken away and still exist somewhere. */
  readonly leaving: number;
  /** Instances that were taken away, and whose new ones are still to be placed. */
  readonly pending: number;
}

export interface Step {
  readonly add: number;
  readonly remove: readonly DecidedInstance[];
}

export function step(standings: readonly Standing[], aim: Aim): Step {
  const { add, remove } = freeStep(standings, aim);
  const isGuarded = aim.order === "start-first" && aim.wanted > 0;
  const removed = isGuarded ? withLastServing(remove, standings) : remove;
  return { add, remove: removed.map(({ instance }) => instance) };
}

interface FreeStep {
  readonly add: number;
  readonly remove: readonly Standing[];
}

function freeStep(standings: readonly Standing[], aim: Aim): FreeStep {
  const current = standings.filter((standing) => standing.current);
  const outdated = standings.filter((standing) => !standing.current);
  const missing = Math.max(0, aim.wanted - current.length);
  const most = aim.order === "start-first" ? aim.wanted + aim.update.parallel : aim.wanted;
  if (outdated.length === 0) return { add: missing, remove: surplus(current, aim.held === true ? most : aim.wanted) };
  const failing = outdated.filter(({ verdict, stale }) => verdict.kind === "failing" && (aim.rollingBack || stale === true));
  const old = outdated.filter((standing) => !failing.includes(standing));
  const slots = freeSlots(current, aim);
  const next = aim.order === "start-first" ? startFirst(current, old, aim, slots) : stopFirst(current, old, aim, slots);
  const kept = current.length + old.length - next.remove.length;
  const room = most - (aim.order === "start-first" ? standings.length + aim.leaving : kept);
  return { add: Math.max(0, Math.min(missing, next.add, room)), remove: [...failing, ...next.remove, ...surplus(current, aim.wanted)] };
}

/** Under start-first what may be the last that serves stays until another one is known to. */
function withLastServing(remove: readonly Standing[], standings: readonly Standing[]): readonly Standing[] {
  const isServed = standings.some((standing) => !remove.includes(standing) && isServing(standing));
  return isServed ? remove : remove.filter(({ verdict }) => verdict.kind === "failing" || verdict.kind === "waiting");
}

function isServing({ verdict }: Standing): boolean {
  return verdict.kind === "ready" || verdict.kind === "settled";
}

/** How many more may be on their way at the same time. */
function freeSlots(current: readonly Standing[], aim: Aim): number {
  return Math.max(0, aim.update.parallel - unsettled(current, aim));
}

function unsettled(current: readonly Standing[], aim: Aim): number {
  return current.filter((standing) => !isSettled(standing, aim) && !(aim.moving && standing.verdict.kind === "failing")).length;
}

function isSettled({ verdict }: Standing, { proven }: Aim): boolean {
  return verdict.kind === "settled" || (proven && verdict.kind === "ready");
}

/** The old ones go only for as many new ones as have been ready through `monitor`; those first whose node has its new one. */
function startFirst(current: readonly Standing[], old: readonly Standing[], aim: Aim, slots: number): FreeStep {
  const { wanted, each, moving } = aim;
  const settled = current.filter((standing) => isSettled(standing, aim));
  const nodes = new Set<NodeName>(settled.map(({ instance }) => instance.node));
  const replaced = each ? old.filter(({ instance }) => nodes.has(instance.node)) : [];
  const rest = leastUsefulFirst(old.filter((standing) => !replaced.includes(standing)));
  // The newest are the heirs of those that move: what fails besides keeps nobody where he is, and what fails and has an heir goes.
  const failsElsewhere = moving ? current.slice(0, Math.max(0, current.length - old.length)).filter(isFailing).length : 0;
  const failsHere = moving && current.length >= wanted ? old.filter(isFailing).length : 0;
  const spare = Math.max(failsHere, old.length - Math.max(0, wanted - settled.length - failsElsewhere));
  return { add: slots, remove: [...replaced, ...(each ? secondsFirst(rest) : rest).slice(0, Math.max(0, spare - replaced.length))] };
}

/** Those whose node has one that stays, a more useful one, or an older one that is as useful. */
function secondsFirst(leastUseful: readonly Standing[]): readonly Standing[] {
  const best = Map.groupBy(mostUsefulFirst(leastUseful), ({ instance }) => instance.node);
  const isBest = (each: Standing): boolean => each.second !== true && best.get(each.instance.node)?.[0] === each;
  return [...leastUseful.filter((each) => !isBest(each)), ...leastUseful.filter(isBest)];
}

function isFailing({ verdict }: Standing): boolean {
  return verdict.kind === "failing";
}

function stopFirst(current: readonly Standing[], old: readonly Standing[], aim: Aim, slots: number): FreeStep {
  const { update, wanted } = aim;
  const mayMiss = Math.max(1, update.maxUnavailable ?? update.parallel);
  const batch = wanted === 0 ? old.length : Math.min(slots, Math.max(0, mayMiss - unsettled(current, aim) - aim.pending));
  return { add: slots, remove: leastUsefulFirst(old).slice(0, batch) };
}

/** Of instances that are all current: those beyond the number wanted, the newest first. */
function surplus(current: readonly Standing[], wanted: number): readonly Standing[] {
  return leastUsefulFirst([...current].reverse()).slice(0, Math.max(0, current.length - wanted));
}

const USE: readonly Verdict["kind"][] = ["failing", "waiting", "unknown", "ready", "settled"];

function mostUsefulFirst(standings: readonly Standing[]): readonly Standing[] {
  return [...standings].sort((a, b) => USE.indexOf(b.verdict.kind) - USE.indexOf(a.verdict.kind));
}

function leastUsefulFirst(standings: readonly Standing[]): readonly Standing[] {
  return [...standings].sort((a, b) => USE.indexOf(a.verdict.kind) - USE.indexOf(b.verdict.kind));
}
