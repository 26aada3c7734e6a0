// Whether an instance may be started, as far as the Services go that its own comes after: pure, and for a limited time only. What an
// instance says while it waits is its condition `Waiting`; what it is started without, an event.
import { circleFrom } from "../../src/api/circle.ts";
import { LEASE_TTL_MS } from "../../src/api/fence-times.ts";
import { needsPerson } from "../../src/api/lasting.ts";
import { containerName } from "../../src/api/labels.ts";
import type { Condition, Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedService, ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { earliest } from "./earliest.ts";
import type { HouseFacts, LocalContainer, LocalFacts, NodeFacts, OtherService } from "./facts.ts";
import { jobKeys } from "./job-keys.ts";
import { isLoop } from "./reasons.ts";

/** So long one that could start waits for another one that is silent; for one that waits itself, as often as the chain has links. */
export const ORDER_WAIT_MS = 120_000;
/** A record that was there before this node announced itself may be of before a power cut: until then, or a little longer, its lease would run. */
export const HEARD_AFTER_MS = LEASE_TTL_MS + 5_000;

export interface Order {
  /** Undefined: it may start. */
  readonly waits?: Condition;
  /** What it starts without, and why. */
  readonly without?: string;
  /** The moment at which time alone changes this. */
  readonly recheckAfterMs?: number | undefined;
}

export interface Place {
  readonly service: Name;
  readonly instance: string;
  readonly spec: ServiceSpec;
  readonly house: HouseFacts;
  readonly local: LocalFacts;
  readonly node: NodeName;
  readonly now: number;
}

/** Docker must not start it with its daemon: the agent does, in its turn. */
export function hasOrder({ after = [] }: ServiceSpec): boolean {
  return after.length > 0;
}

export function orderOf(place: Place): Order {
  const { service, instance, spec, house, local, now } = place;
  if (!hasOrder(spec) || isBegun(place)) return {};
  const afterOf = (name: Name): readonly Name[] => (name === service ? spec.after : house.others.get(name)?.after) ?? [];
  const standings = (spec.after ?? []).map((name) => ({ name, ...standingOf(name, place, afterOf) }));
  const job = local.jobs[jobKeys.order(service, instance)];
  const sinceMs = job === undefined ? now : job.state === "running" ? job.sinceMs : job.atMs;
  const waits = standings
    .filter((each) => each.kind === "coming")
    .map((each) => ({ ...each, leftMs: untilMs(each, sinceMs, afterOf) - now }));
  const patient = waits.filter(({ leftMs }) => leftMs > 0);
  if (patient.length > 0) {
    const message = `waits for ${patient.map(({ name, state }) => `${name} (${state})`).join(" and ")}`;
    return {
      waits: { type: "Ready", status: "False", reason: "Waiting", message },
      recheckAfterMs: earliest([...patient.map(({ leftMs }) => leftMs), heardInMs(place)]),
    };
  }
  const without = [
    ...standings.flatMap((each) => (each.kind === "hopeless" ? [each.why] : [])),
    ...waits.map(({ name, state }) => `${name} is not ready after ${Math.round((now - sinceMs) / 1_000)} s (${state})`),
  ];
  return without.length === 0 ? {} : { without: without.join("; ") };
}

/** It was started since the last boot: what keeps or makes it running again is no first start. */
function isBegun({ service, instance, spec, local: { containers, jobs, reported, bootId } }: Place): boolean {
  if ((containers ?? []).some((each) => each.instance === instance && isUnderWay(each))) return true;
  const starts = spec.containers.map(({ name }) => jobKeys.start(containerName(service, instance, name)));
  if (starts.some((key) => jobs[key]?.state === "done")) return true;
  if (reported?.value.bootId !== bootId) return false;
  const told = reported.value.instances.find(({ id }) => id === instance);
  if (told === undefined) return false;
  return told.ready || told.containers.some(({ phase }) => phase === "running" || phase === "restarting") || told.conditions.some(isOfARun);
}

function isUnderWay({ state }: LocalContainer): boolean {
  return state === "running" || state === "paused" || state === "restarting";
}

function isOfARun({ reason }: Condition): boolean {
  return isLoop(reason) || reason === "Exited";
}

type Standing =
  | { readonly kind: "ready" }
  /** Waiting may help. `waits`: it waits for others itself; `newsAtMs`: when its node last said something of it. */
  | { readonly kind: "coming"; readonly state: string; readonly waits?: boolean; readonly newsAtMs?: number }
  | { readonly kind: "hopeless"; readonly why: string };

function standingOf(name: Name, place: Place, afterOf: (name: Name) => readonly Name[]): Standing {
  const other = place.house.others.get(name);
  if (other?.replicas === undefined) return { kind: "hopeless", why: `there is no Service '${name}'` };
  const circle = circleFrom(name, afterOf);
  const told = toldOf(other, place);
  if (told.some(({ found }) => found?.ready)) return { kind: "ready" };
  if (other.replicas === 0) return { kind: "hopeless", why: `${name} is stopped` };
  if (circle !== undefined) return { kind: "hopeless", why: `they wait for each other: ${circle.join(" waits for ")}` };
  const { failed, target } = other.decided ?? {};
  if (failed !== undefined && failed.revision === target) return { kind: "hopeless", why: `${name} failed: ${failed.message}` };
  const causes = told.map(({ found }) => found?.conditions.find(({ reason }) => needsPerson(reason)));
  const [cause] = causes;
  if (cause !== undefined && !causes.includes(undefined))
    return { kind: "hopeless", why: `${name} failed: ${cause.reason}: ${cause.message}` };
  const [first] = told;
  if (first === undefined) return { kind: "coming", state: "no node runs it yet" };
  const waits = first.found?.conditions.some(({ reason }) => reason === "Waiting") === true;
  return { kind: "coming", state: first.state, waits, ...(first.newsAtMs !== undefined && { newsAtMs: first.newsAtMs }) };
}

interface Told {
  readonly found: ObservedService["instances"][number] | undefined;
  readonly state: string;
  readonly newsAtMs: number | undefined;
}

/** Of each instance what its node says, if that is heard of. */
function toldOf({ decided, observed }: OtherService, place: Place): readonly Told[] {
  return (decided?.instances ?? []).map(({ id, node: home }): Told => {
    const there = place.house.nodes.find(({ name }) => name === home);
    const seen = observed.get(home);
    if (there?.downSinceMs !== undefined) return { found: undefined, state: `its node ${home} is lost`, newsAtMs: undefined };
    if (there === undefined || heardOfInMs(there, place) > 0)
      return { found: undefined, state: `its node ${home} is not back`, newsAtMs: undefined };
    const isOfNow = seen?.value.bootId === there.record?.value.bootId;
    const found = isOfNow ? seen?.value.instances.find((each) => each.id === id) : undefined;
    return { found, state: `${found?.conditions[0]?.reason ?? phaseOf(found)} on ${home}`, newsAtMs: isOfNow ? seen?.seenAtMs : undefined };
  });
}

function phaseOf(found: Told["found"]): string {
  return found?.containers.some(({ phase }) => phase === "pulling") ? "Pulling" : "Starting";
}

/** 0: it is; Infinity: until somebody says so. */
function heardOfInMs({ name, record }: NodeFacts, { node, local, now }: Place): number {
  if (record === undefined) return Infinity;
  if (name === node) return 0;
  const { announced } = local;
  // The store may be slow to come: before it has, no lease runs out.
  if (announced === undefined) return Infinity;
  return record.modRevision > announced.revision ? 0 : Math.max(0, Math.max(record.seenAtMs, announced.atMs) + HEARD_AFTER_MS - now);
}

function heardInMs(place: Place): number | undefined {
  return earliest(place.house.nodes.map((each) => heardOfInMs(each, place)).filter((ms) => ms > 0 && ms < Infinity));
}

/** One that has something to tell, or waits itself, is given more time, but in all no more than its chain is long. */
function untilMs(
  { name, waits = false, newsAtMs = -Infinity }: Extract<Standing, { readonly kind: "coming" }> & { readonly name: Name },
  sinceMs: number,
  afterOf: (name: Name) => readonly Name[],
): number {
  const limitMs = sinceMs + ORDER_WAIT_MS * (1 + linksBelow(name, afterOf));
  return Math.min(limitMs, waits ? Infinity : Math.max(sinceMs, newsAtMs) + ORDER_WAIT_MS);
}

/** Of the longest chain of Services that it comes after: each is looked at once, since many ways may lead to it. In a circle nobody waits. */
function linksBelow(name: Name, afterOf: (name: Name) => readonly Name[], known = new Map<Name, number>()): number {
  const found = known.get(name);
  if (found !== undefined) return found;
  known.set(name, 0);
  const links = Math.max(0, ...afterOf(name).map((each) => 1 + linksBelow(each, afterOf, known)));
  known.set(name, links);
  return links;
}

/** What people should know of a Service's place in the order: it waits for nobody in a circle, nor for what does not exist. */
export function orderProblem(service: Name, { after = [] }: ServiceSpec, others: HouseFacts["others"]): Condition | undefined {
  const circle = circleFrom(service, (name) => (name === service ? after : (others.get(name)?.after ?? [])));
  if (circle !== undefined)
    return {
      type: "Ordered",
      status: "False",
      reason: "Circle",
      message: `${circle.join(" waits for ")}: none of them waits. Take one out of 'after'`,
    };
  const unknown = after.filter((name) => others.get(name)?.replicas === undefined);
  if (unknown.length === 0) return undefined;
  const names = unknown.map((name) => `'${name}'`).join(" and ");
  return {
    type: "Ordered",
    status: "False",
    reason: "ServiceNotFound",
    message: `It comes after ${names}, which ${unknown.length === 1 ? "does" : "do"} not exist, and does not wait for ${unknown.length === 1 ? "it" : "them"}`,
  };
}

/** By name: those of the house that one comes after, and so on along their chains. */
export function chainOf(after: readonly Name[], read: (name: Name) => OtherService): HouseFacts["others"] {
  const found = new Map<Name, OtherService>();
  const queue = [...after];
  for (const name of queue) {
    if (found.has(name)) continue;
    const other = read(name);
    found.set(name, other);
    queue.push(...other.after);
  }
  return found;
}

/** Of all its revisions. */
export function predecessors(decided: DecidedService | undefined): readonly Name[] {
  return [...new Set(Object.values(decided?.revisions ?? {}).flatMap(({ spec }) => spec.after ?? []))];
}
