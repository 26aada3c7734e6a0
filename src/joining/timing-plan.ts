// One timing for all members: decided from what each measured of its links, and taken over one restart after the other, the leader's last. A
// store that is to listen on another address besides, or that a removed node may be connected to, waits for its turn in the same way.
// The decision lies in the store and each member says how it runs, so whoever leads next goes on. Pure.
import { isAlive, isAliveChecked, memberOf, nodeOfMember, type EtcdMember, type HouseNode, type HouseView, type Ms } from "./house-view.ts";
import type { NodeId } from "./messages.ts";
import { FOUNDING_TIMING, nextTiming, type Link, type Timing } from "./timing.ts";
import { hasRoster } from "./voters.ts";

/** What the agent beside a member says of it. */
export interface MemberReport {
  /** With which its store runs. */
  readonly timing: Timing;
  /** To other nodes; absent: not measured for long enough. */
  readonly roundTripP99Ms: Readonly<Record<NodeId, number>>;
  /** Those of them that it reached by the tailnet alone. */
  readonly overTailnet: readonly NodeId[];
  /** Its computer has an address more than its store listens on; nobody needs that one at once. */
  readonly hasMoreAddresses?: boolean;
  /** A node that was removed may have a connection to its store, and keeps it until that starts anew. */
  readonly mayServeRemoved?: boolean;
  readonly atMs: Ms;
}

export interface TimingMemory {
  /** The last one that was told to start again. */
  readonly told?: { readonly memberId: string; readonly atMs: Ms };
  /** Since when less patience would do. */
  readonly clearSinceMs?: Ms;
}

export type TimingStep =
  | { readonly kind: "set-timing"; readonly timing: Timing; readonly modRevision: number; readonly why: string }
  /** Its agent starts its store anew, with the timing that the store has now. */
  | { readonly kind: "restart"; readonly nodeId: NodeId; readonly memberId: string; readonly why: string }
  | { readonly kind: "move-leader"; readonly memberId: string; readonly why: string };

export interface TimingPlan {
  readonly step?: TimingStep;
  readonly memory: TimingMemory;
}

/** As after a change of members: their connections have settled. */
const QUIET_MS = 10_000;
/** An older report says nothing about now. */
const REPORT_FRESH_MS = 30_000;
/** A member that did not start anew by then is told once more. */
const TOLD_MS = 60_000;
/** Each change restarts every member: patience is given up only after so long a time. */
const CLEAR_MS = 60 * 60_000;

/** Only in a house at rest: nobody is being admitted, and all voters are alive. */
export function planTiming(view: HouseView, reports: ReadonlyMap<NodeId, MemberReport>, memory: TimingMemory): TimingPlan {
  const target = view.timing?.value ?? FOUNDING_TIMING;
  const links = linksOf(view, reports);
  const wanted = links === undefined ? target : nextTiming(target, links);
  const { clearSinceMs: before, ...rest } = isTold(view, reports, { target, memory }) ? memory : withoutTold(memory);
  const clearSinceMs = wanted.electionMs < target.electionMs ? (before ?? view.nowMs) : undefined;
  const next: TimingMemory = { ...rest, ...(clearSinceMs !== undefined && { clearSinceMs }) };
  if (!isAtRest(view) || next.told !== undefined) return { memory: next };
  if (wanted.electionMs > target.electionMs || (clearSinceMs !== undefined && view.nowMs - clearSinceMs >= CLEAR_MS)) {
    const why = `the links between the members ask for ${wanted.electionMs} ms until an election`;
    return { step: { kind: "set-timing", timing: wanted, modRevision: view.timing?.modRevision ?? 0, why }, memory: rest };
  }
  const step = roll(view, reports, target);
  return step?.kind === "restart"
    ? { step, memory: { ...next, told: { memberId: step.memberId, atMs: view.nowMs } } }
    : { memory: next, ...(step && { step }) };
}

/** One member that runs otherwise, the leader when it is the only one left. */
function roll(view: HouseView, reports: ReadonlyMap<NodeId, MemberReport>, target: Timing): TimingStep | undefined {
  const started = view.members.flatMap((member) => {
    const nodeId = nodeOfMember(member);
    const report = nodeId === undefined ? undefined : freshReport(view, reports, nodeId);
    return nodeId === undefined || report === undefined ? [] : [{ member, nodeId, behind: isBehind(report, target) }];
  });
  const voters = view.members.filter(({ learner }) => !learner);
  const inSync = (member: EtcdMember): boolean => member.id === view.leaderMemberId || view.health.get(member.id)?.inSync === true;
  // Each of them must be able to bear that another one is away for a moment.
  if (!voters.every(inSync)) return undefined;
  const behind = started
    .filter((each) => each.behind && isAlive(view, each.member))
    .sort((a, b) => Number(b.member.learner) - Number(a.member.learner) || (a.nodeId < b.nodeId ? -1 : 1));
  const why = "its store starts anew, as patient as the others, on all addresses that it has, and for nobody who was removed";
  const follower = behind.find(({ member }) => member.id !== view.leaderMemberId);
  if (follower !== undefined) return { kind: "restart", nodeId: follower.nodeId, memberId: follower.member.id, why };
  const [leader] = behind;
  if (leader === undefined) return undefined;
  const heirs = started.filter(({ member, behind: late }) => !late && !member.learner && member.id !== view.leaderMemberId);
  const [heir] = heirs;
  if (heir !== undefined) return { kind: "move-leader", memberId: heir.member.id, why: "the leader's store starts anew, too" };
  return voters.length === 1 ? { kind: "restart", nodeId: leader.nodeId, memberId: leader.member.id, why } : undefined;
}

/** Until it runs as it was told and has been well for a while, or is no member any more. */
function isTold(
  view: HouseView,
  reports: ReadonlyMap<NodeId, MemberReport>,
  { target, memory: { told } }: { readonly target: Timing; readonly memory: TimingMemory },
): boolean {
  if (told === undefined) return false;
  const member = view.members.find(({ id }) => id === told.memberId);
  const report = member && reports.get(nodeOfMember(member) ?? "");
  if (member === undefined || view.nowMs - told.atMs >= TOLD_MS) return false;
  const runsAnew = report !== undefined && report.atMs > told.atMs && !isBehind(report, target);
  // It may have been away for less than a second, which nobody saw.
  return !(runsAnew && view.nowMs - told.atMs >= QUIET_MS && isAliveChecked(view, member));
}

function withoutTold({ clearSinceMs }: TimingMemory): TimingMemory {
  return clearSinceMs === undefined ? {} : { clearSinceMs };
}

function isAtRest(view: HouseView): boolean {
  const quietMs = view.nowMs - Math.max(view.changedAtMs ?? view.leadsSinceMs, view.leadsSinceMs);
  const voters = view.members.filter(({ learner }) => !learner);
  return (
    view.active === undefined &&
    hasRoster(view) &&
    quietMs >= QUIET_MS &&
    view.members.every(({ name }) => name !== "") &&
    voters.every((member) => isAliveChecked(view, member))
  );
}

/** Between all members that are alive, each as the worse of its two ends has it; undefined: one has not been measured yet. */
function linksOf(view: HouseView, reports: ReadonlyMap<NodeId, MemberReport>): readonly Link[] | undefined {
  const nodes = [...view.roster.values()].filter(({ nodeId }) => {
    const member = memberOf(view.members, nodeId);
    return member !== undefined && isAlive(view, member);
  });
  const links: Link[] = [];
  for (const [index, one] of nodes.entries()) {
    for (const other of nodes.slice(index + 1)) {
      const ends = [freshReport(view, reports, one.nodeId), freshReport(view, reports, other.nodeId)];
      const measured = [ends[0]?.roundTripP99Ms[other.nodeId], ends[1]?.roundTripP99Ms[one.nodeId]].filter((each) => each !== undefined);
      if (measured.length === 0) return undefined;
      const overTailnet = ends[0]?.overTailnet.includes(other.nodeId) === true || ends[1]?.overTailnet.includes(one.nodeId) === true;
      links.push({ kind: overTailnet ? "tailnet" : linkKind(one, other), roundTripP99Ms: Math.max(...measured) });
    }
  }
  return links;
}

/** On a LAN, by what both ends hang on. */
function linkKind(one: HouseNode, other: HouseNode): Link["kind"] {
  return [one, other].some(({ request }) => request.fitness.link === "wireless") ? "wireless" : "wired";
}

function freshReport(view: HouseView, reports: ReadonlyMap<NodeId, MemberReport>, nodeId: NodeId): MemberReport | undefined {
  const report = reports.get(nodeId);
  return report !== undefined && view.nowMs - report.atMs <= REPORT_FRESH_MS ? report : undefined;
}

function isBehind({ timing, hasMoreAddresses, mayServeRemoved }: MemberReport, target: Timing): boolean {
  return hasMoreAddresses === true || mayServeRemoved === true || !isSame(timing, target);
}

function isSame(a: Timing, b: Timing): boolean {
  return a.heartbeatMs === b.heartbeatMs && a.electionMs === b.electionMs;
}
