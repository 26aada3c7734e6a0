// What the agent beside the etcd leader knows when it decides: the queue and the roster out of the store, the members out of etcd, and
// what it heard itself. Types, and what follows from them at once. Pure.
import type { Address, Fitness, HouseState, JoinRequest, MachineHints, NodeId, Versions } from "./messages.ts";
import type { Timing } from "./timing.ts";

/** Milliseconds on the agent's own boot-time clock; never another node's. */
export type Ms = number;

/** A value of the store and when this agent first saw it so. */
export interface Stored<T> {
  readonly value: T;
  readonly modRevision: number;
  readonly seenAtMs: Ms;
}

/** `queue/<nodeId>`. */
export interface QueueEntry {
  readonly nodeId: NodeId;
  readonly name: string;
  /** The agent's; the first is what entries are deduplicated by. */
  readonly addresses: readonly Address[];
  readonly versions: Versions;
  readonly request: JoinRequest;
  /** The lowest is at the head. */
  readonly order: number;
  /** How often its turn came and it did not answer. */
  readonly missed: number;
  /** Whose place it takes: by a person's word, or because trust without a person allows to go by the machine's hints. */
  readonly replaces?: NodeId;
  readonly byItself: boolean;
}

/** `queue/active`: there is at most one, and whoever leads goes on with it. */
export interface ActiveAdmission {
  readonly nodeId: NodeId;
  readonly peerUrl: string;
  readonly memberName: string;
  /** Its former self's, or one that is free. */
  readonly name: string;
  readonly role: "learner" | "worker";
  readonly step: "making room" | "adding" | "added";
  readonly memberId?: string;
  readonly replaces?: NodeId;
  /** Wall time for people; deadlines count from when the leader first saw the step. */
  readonly until: string;
}

/** `house/nodes/<nodeId>`: a node that belongs to the house, alive or not. */
export interface HouseNode {
  readonly nodeId: NodeId;
  readonly name: string;
  readonly addresses: readonly Address[];
  readonly versions: Versions;
  readonly request: JoinRequest;
  /** Its wish, from its Membership. */
  readonly role: "auto" | "voter" | "standby" | "worker";
}

/** `house/leaving/<nodeId>`: it belongs to the house no more, until its member, its certificates and its traces are gone. */
export interface Departure {
  readonly name: string;
  /** Its key is never believed again; else it left by itself, and may come back. */
  readonly removed: boolean;
}

export interface EtcdMember {
  readonly id: string;
  /** "" until it has started. */
  readonly name: string;
  readonly peerUrl: string;
  readonly learner: boolean;
  readonly seenAtMs: Ms;
}

/** Answers of a member's own `status()`, asked every second or so. */
export interface MemberHealth {
  /** Since when it has answered without a miss; absent: it did not answer the last time. */
  readonly answeringSinceMs?: Ms;
  readonly answeredAtMs?: Ms;
  /** It follows this leader, and has what the leader had at the look before. */
  readonly inSync?: boolean;
}

export interface HouseView {
  readonly nowMs: Ms;
  readonly self: NodeId;
  /** Of this agent's own etcd now, whatever the roster says yet; absent: as the roster has it. */
  readonly ownPeerUrl?: string;
  readonly house: HouseState;
  readonly clusterId: string;
  /** Of the member beside this agent, when it leads. */
  readonly leaderMemberId: string;
  readonly term: number;
  readonly entries: readonly Stored<QueueEntry>[];
  readonly active?: Stored<ActiveAdmission>;
  readonly roster: ReadonlyMap<NodeId, HouseNode>;
  /** How patient all members shall be; absent: as at founding. */
  readonly timing?: Stored<Timing>;
  readonly members: readonly EtcdMember[];
  readonly health: ReadonlyMap<string, MemberHealth>;
  /** When the agent or the etcd of a node was last heard; absent: not since this agent leads. */
  readonly heardAtMs: ReadonlyMap<NodeId, Ms>;
  readonly leadsSinceMs: Ms;
  /** When this agent last saw voters or learners change. */
  readonly changedAtMs?: Ms;
  /** Learners that every member's flags allow: 3 from etcd 3.6 with the flag on, else 1. */
  readonly learnersMax: number;
  /** The House's setting. */
  readonly replaceAfterMs: Ms;
  /** Nodes that are drained, or about to stop: they do not lead. */
  readonly leaving: ReadonlySet<NodeId>;
}

export const LEARNERS_MAX = 3;
/** An older answer says nothing about now. */
export const ANSWER_FRESH_MS = 2_000;
/** Asked twice, so far apart. */
const ALIVE_CHECKED_MS = 10_000;

/** The node that a started member's name carries. */
export function nodeOfMember({ name }: Pick<EtcdMember, "name">): NodeId | undefined {
  const [nodeId] = name.split("-");
  return nodeId === "" ? undefined : nodeId;
}

export function memberOf<M extends Pick<EtcdMember, "name">>(members: readonly M[], nodeId: NodeId): M | undefined {
  return members.find((member) => nodeOfMember(member) === nodeId);
}

/** It answered just now, and the last time that it was asked. */
export function isAlive({ health, nowMs }: HouseView, { id }: EtcdMember): boolean {
  const { answeringSinceMs, answeredAtMs } = health.get(id) ?? {};
  return answeringSinceMs !== undefined && answeredAtMs !== undefined && nowMs - answeredAtMs <= ANSWER_FRESH_MS;
}

export function allVotersAlive(view: HouseView): boolean {
  return view.members.every((member) => member.learner || isAlive(view, member));
}

/** It answered just now and has done so for as long as a promotion asks for. */
export function isAliveChecked(view: HouseView, member: EtcdMember): boolean {
  const since = view.health.get(member.id)?.answeringSinceMs;
  return since !== undefined && view.nowMs - since >= ALIVE_CHECKED_MS && isAlive(view, member);
}

/** How long neither agent nor etcd was heard; a new leader counts from when it began. */
export function silentMs({ heardAtMs, leadsSinceMs, nowMs }: HouseView, nodeId: NodeId): Ms {
  return nowMs - Math.max(heardAtMs.get(nodeId) ?? leadsSinceMs, leadsSinceMs);
}

/** How long the member has not answered, whatever its agent says; a new leader, and a new member, count from when they began. */
export function storeSilentMs({ health, leadsSinceMs, nowMs }: HouseView, { id, seenAtMs }: EtcdMember): Ms {
  return nowMs - Math.max(health.get(id)?.answeredAtMs ?? leadsSinceMs, leadsSinceMs, seenAtMs);
}

export function quorumOf(voters: number): number {
  return Math.floor(voters / 2) + 1;
}

/**
 * A permanent MAC address in common, unless the product UUIDs speak against it: a USB adapter is plugged elsewhere. The UUID alone counts only
 * where there is no MAC address, for cheap boards come with the same one by the thousand.
 */
export function sameMachine(a: MachineHints, b: MachineHints): boolean {
  const [one, other] = [realUuid(a), realUuid(b)];
  if (one !== undefined && other !== undefined && one !== other) return false;
  const [ours, theirs] = [realMacs(a), realMacs(b)];
  if (ours.length > 0 && theirs.length > 0) return ours.some((mac) => theirs.includes(mac));
  return one !== undefined && one === other;
}

/** More than a network card speaks for it, which may be plugged elsewhere. */
export function isSurelySameMachine(a: MachineHints, b: MachineHints): boolean {
  return sameMachine(a, b) && realUuid(a) !== undefined && realUuid(a) === realUuid(b);
}

const fillerUuids: ReadonlySet<string> = new Set([
  "03000200-0400-0500-0006-000700080009",
  "12345678-1234-5678-90ab-cddeefaabbcc",
  "fefefefe-fefe-fefe-fefe-fefefefefefe",
]);

function realUuid({ productUuid }: MachineHints): string | undefined {
  const uuid = productUuid.toLowerCase();
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid) || fillerUuids.has(uuid)) return undefined;
  return /^(.)\1*$/.test(uuid.replaceAll("-", "")) ? undefined : uuid;
}

function realMacs({ macs }: MachineHints): readonly string[] {
  return macs.map((mac) => mac.toLowerCase()).filter((mac) => !/^(00:){5}00$|^(ff:){5}ff$/.test(mac));
}

/** Who is there to vote comes first, whatever its disk. */
export function voteClass(fitness: Fitness): -1 | 0 | 1 | 2 {
  return fitness.witness === true ? -1 : fitnessClass(fitness);
}

/** 0 wired and fast, 1 slow, 2 on a battery: lower is better for the vote. */
export function fitnessClass({ link, battery, fsyncP99Ms }: Fitness): 0 | 1 | 2 {
  const slowDiskMs = 50;
  if (battery) return 2;
  return link === "wired" && fsyncP99Ms <= slowDiskMs ? 0 : 1;
}
