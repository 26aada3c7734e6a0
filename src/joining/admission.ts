// The queue beside the etcd leader: from the view of the house and what the queued nodes answered to at most one next step. Everything that
// matters lies in the store, so that whoever leads next goes on where this one stopped. Pure.
import {
  allVotersAlive,
  isAlive,
  isSurelySameMachine,
  memberOf,
  nodeOfMember,
  quorumOf,
  type ActiveAdmission,
  type EtcdMember,
  type HouseNode,
  type HouseView,
  type Ms,
  type QueueEntry,
  type Stored,
} from "./house-view.ts";
import type { Admission, NodeId } from "./messages.ts";
import { sharesUrl, withoutUrls } from "./peer-urls.ts";
import { behind, headOf, mayBeReinstalled, replacedBy } from "./queue.ts";
import { hasRoster, MEMBERS_MAX, planVoters, type VoterStep } from "./voters.ts";
import type { StewardMemory } from "./steward-memory.ts";

/** Each is one effect; those that write compare `modRevision`. */
export type AdmissionStep =
  /** Writes `queue/active` if there is none. */
  | { readonly kind: "activate"; readonly active: ActiveAdmission }
  | { readonly kind: "advance"; readonly active: ActiveAdmission; readonly modRevision: number }
  | { readonly kind: "add-learner"; readonly peerUrl: string }
  | { readonly kind: "remove"; readonly memberId: string; readonly why: string }
  /** Deletes `queue/active` and the entry, writes the node into the roster, and takes the replaced one out for good. */
  /** `strikesOff`: the key of the one that it replaces is never believed again. */
  | {
      readonly kind: "finish";
      readonly node: HouseNode;
      readonly replaces?: NodeId;
      readonly strikesOff?: boolean;
      readonly modRevision: number;
    }
  /** Deletes `queue/active`; the entry, if it is still there, goes to the end. */
  | {
      readonly kind: "give-up";
      readonly modRevision: number;
      readonly entry?: Stored<QueueEntry>;
      readonly order: number;
      readonly why: string;
    }
  | { readonly kind: "postpone"; readonly entry: Stored<QueueEntry>; readonly order: number; readonly missed: boolean }
  | { readonly kind: "drop"; readonly entry: Stored<QueueEntry>; readonly why: string };

export type StewardStep = AdmissionStep | VoterStep;

/**
 * The edge carries out one step at a time, in the order in which they were planned, and looks again after each. A decision that has become
 * older on its way out is dropped: the machine may have been frozen in between, and who was alive then may not be now.
 */
export const STEP_AGE_MAX_MS = 1_000;
/** An answer that does not come is not waited for: the outcome is unknown, and the next look tells. */
export const STEP_ANSWER_MAX_MS = 5_000;
/** From MemberAdd to an answering member. */
const ADMISSION_MS = 30_000;
/** The head answers each broadcast, so a second each. */
const HEAD_SILENT_MS = 5_000;
const PRESENT_FRESH_MS = 3_000;
/** So often a node's turn comes without an answer until it is forgotten; it asks again when it is back. */
const MISSED_MAX = 3;
/** An unstarted member that nobody is admitting, or one of nobody's. */
const ORPHAN_MS = 10_000;
/** A voter that is away keeps learners out; a worker can come in, and becomes a member when all voters are there. */
const WORKER_INSTEAD_MS = 10_000;

export function planSteward(view: HouseView, memory: StewardMemory): StewardStep | undefined {
  const { active } = view;
  const entry = active && view.entries.find(({ value }) => value.nodeId === active.value.nodeId);
  if (active !== undefined) return entry === undefined ? abort(view, active) : goOn(view, memory, { active, entry });
  return removeOrphan(view) ?? planVoters(view) ?? nextHead(view, memory);
}

/** What the named node is told while its admission waits for it. */
export function admissionOf({ clusterId, members, active }: HouseView): Admission | undefined {
  if (active?.value.step !== "added") return undefined;
  const { nodeId, name, role, memberName, memberId, peerUrl } = active.value;
  const initialCluster = members.map((member) => ({
    name: sharesUrl(member.peerUrl, peerUrl) ? memberName : member.name,
    peerUrl: member.peerUrl,
  }));
  if (role === "worker") return { nodeId, name, role, memberName, clusterId, initialCluster: [] };
  // Another one that has not started would have to be named, and has no name.
  if (memberId === undefined || initialCluster.some(({ name }) => name === "")) return undefined;
  return { nodeId, name, role, memberName, memberId, clusterId, initialCluster };
}

// ---------------------------------------------------------------- nobody is being admitted

function nextHead(view: HouseView, memory: StewardMemory): AdmissionStep | undefined {
  const head = headOf(view.entries);
  if (head === undefined) return undefined;
  const { value } = head;
  const heard = memory.present.get(value.nodeId);
  if (heard !== undefined && view.nowMs - heard.atMs <= PRESENT_FRESH_MS && heard.dataDirEmpty) {
    const entry = { ...value, request: heard.request };
    return isBlocked(view, entry) ? letOthersGoFirst(view, head) : activate(view, memory, entry);
  }
  const headSinceMs = memory.head?.nodeId === value.nodeId ? memory.head.sinceMs : view.nowMs;
  if (view.nowMs - Math.max(headSinceMs, head.seenAtMs) < HEAD_SILENT_MS) return undefined;
  if (value.missed + 1 >= MISSED_MAX) return { kind: "drop", entry: head, why: `${value.name} did not answer when its turn came` };
  return { kind: "postpone", entry: head, order: behind(view.entries), missed: true };
}

/** Its former self may still be there: by its machine, or by its address. Who is alive at the same address is another, as at another site. */
function isBlocked(view: HouseView, entry: QueueEntry): boolean {
  if (entry.byItself && mayBeReinstalled(view, entry)) return true;
  return othersThere(view, entry).some((member) => !isAlive(view, member)) || ownUrls(view, entry) === "";
}

function othersThere(view: HouseView, entry: QueueEntry): readonly EtcdMember[] {
  const replaced = replacedBy(view, entry)?.nodeId;
  return view.members.filter((member) => {
    const nodeId = nodeOfMember(member);
    if (nodeId === undefined || nodeId === entry.nodeId || nodeId === replaced) return false;
    return sharesUrl(member.peerUrl, entry.request.peerUrl);
  });
}

function ownUrls(view: HouseView, entry: QueueEntry): string {
  return withoutUrls(
    entry.request.peerUrl,
    othersThere(view, entry).map(({ peerUrl }) => peerUrl),
  );
}

function letOthersGoFirst(view: HouseView, entry: Stored<QueueEntry>): AdmissionStep | undefined {
  const others = view.entries.some(({ value }) => value.nodeId !== entry.value.nodeId);
  return others ? { kind: "postpone", entry, order: behind(view.entries), missed: false } : undefined;
}

function activate(view: HouseView, memory: StewardMemory, entry: QueueEntry): AdmissionStep | undefined {
  const { nodeId, request } = entry;
  const replaced = replacedBy(view, entry);
  const own = memberOf(view.members, nodeId);
  const obstacle = own ?? (replaced && memberOf(view.members, replaced.nodeId));
  const role = roleFor(view, memory, entry, obstacle);
  if (role === undefined) return undefined;
  const active: ActiveAdmission = {
    nodeId,
    role,
    peerUrl: ownUrls(view, entry),
    memberName: request.memberName,
    name: nameOf(view, entry, replaced),
    step: obstacle === undefined ? "adding" : "making room",
    until: memory.until,
    ...(replaced !== undefined && { replaces: replaced.nodeId }),
  };
  return { kind: "activate", active };
}

/** Undefined: there is no room for a learner yet, and soon will be. */
function roleFor(view: HouseView, memory: StewardMemory, { nodeId }: QueueEntry, leaving?: EtcdMember): "learner" | "worker" | undefined {
  const members = view.members.filter((member) => member !== leaving);
  if (view.roster.get(nodeId)?.role === "worker" || members.length >= MEMBERS_MAX) return "worker";
  if (keepsLearnersOut(view, memory)) return "worker";
  return members.filter(({ learner }) => learner).length < view.learnersMax ? "learner" : undefined;
}

/** etcd has refused for a while, and that will not pass by itself. */
function keepsLearnersOut(view: HouseView, { unhealthySinceMs = view.nowMs }: StewardMemory): boolean {
  return view.nowMs - unhealthySinceMs >= WORKER_INSTEAD_MS && !allVotersAlive(view);
}

function removeOrphan(view: HouseView): AdmissionStep | undefined {
  if (!hasRoster(view)) return undefined;
  const orphan = view.members.find((member) => {
    const nodeId = nodeOfMember(member);
    const known = nodeId !== undefined && view.roster.has(nodeId);
    return member.learner && !known && view.nowMs - Math.max(member.seenAtMs, view.leadsSinceMs) >= ORPHAN_MS;
  });
  return orphan && { kind: "remove", memberId: orphan.id, why: "nobody is being admitted as this member" };
}

// ---------------------------------------------------------------- one is being admitted

interface Admitting {
  readonly active: Stored<ActiveAdmission>;
  readonly entry: Stored<QueueEntry>;
}

function goOn(view: HouseView, memory: StewardMemory, admitting: Admitting): StewardStep | undefined {
  const { active, entry } = admitting;
  const lateMs = view.nowMs - Math.max(active.seenAtMs, view.leadsSinceMs) - ADMISSION_MS;
  switch (active.value.step) {
    case "making room":
      return makeRoom(view, active) ?? (lateMs >= 0 ? giveUp(view, active, entry, "there was no room in time") : undefined);
    case "adding": {
      const step = add(view, memory, admitting);
      // What etcd refuses again and again must not hold up the others.
      return lateMs >= 0 && step?.kind !== "advance" ? giveUp(view, active, entry, "it could not be added in time") : step;
    }
    case "added":
      return waitForStart(view, memory, { ...admitting, isLate: lateMs >= 0 });
  }
}

/** The member of the node's former self, or of its own former data. */
function makeRoom(view: HouseView, { value, modRevision }: Stored<ActiveAdmission>): AdmissionStep | undefined {
  const former =
    memberOf(view.members, value.nodeId) ?? (value.replaces === undefined ? undefined : memberOf(view.members, value.replaces));
  if (former === undefined) return { kind: "advance", active: { ...value, step: "adding" }, modRevision };
  const voters = view.members.filter((member) => !member.learner && member !== former);
  const alive = voters.filter((member) => isAlive(view, member)).length;
  const allowed = former.learner || (former.id !== view.leaderMemberId && alive >= quorumOf(voters.length));
  return allowed ? { kind: "remove", memberId: former.id, why: "its machine comes back with new data" } : undefined;
}

/** A leader may have died after its MemberAdd: what is there with this peer URL and has not started is adopted. */
function add(view: HouseView, memory: StewardMemory, { active }: Admitting): AdmissionStep | undefined {
  const { value, modRevision } = active;
  if (value.role === "worker") return { kind: "advance", active: { ...value, step: "added" }, modRevision };
  const there = view.members.find(({ peerUrl }) => sharesUrl(peerUrl, value.peerUrl));
  if (there !== undefined && there.name === "" && there.learner)
    return { kind: "advance", active: { ...value, step: "added", memberId: there.id }, modRevision };
  if (there !== undefined || view.members.some(({ name }) => name === "")) return undefined;
  if (keepsLearnersOut(view, memory)) return { kind: "advance", active: { ...value, role: "worker" }, modRevision };
  if (view.nowMs < (memory.addAgainAtMs ?? 0)) return undefined;
  return { kind: "add-learner", peerUrl: value.peerUrl };
}

/** It is in when it says so with the right ids, or when etcd and its own status say so. */
function waitForStart(
  view: HouseView,
  memory: StewardMemory,
  { active, entry, isLate }: Admitting & { readonly isLate: boolean },
): AdmissionStep | undefined {
  const { value, modRevision } = active;
  const started = memory.started.get(value.nodeId);
  const finish = (): AdmissionStep => ({
    kind: "finish",
    node: nodeOf(view, entry.value, value),
    modRevision,
    ...(value.replaces !== undefined && { replaces: value.replaces, strikesOff: strikesOff(view, entry.value, value.replaces) }),
  });
  if (value.role === "worker") {
    if (started?.clusterId === view.clusterId && started.memberId === undefined && started.atMs >= active.seenAtMs) return finish();
    return isLate ? giveUp(view, active, entry, "it never started") : undefined;
  }
  const member = view.members.find(({ id }) => id === value.memberId);
  if (member === undefined) return giveUp(view, active, entry, "its member was removed");
  const says = started?.clusterId === view.clusterId && started.memberId === value.memberId;
  if (member.name === value.memberName && isAlive(view, member) && (says || isLate)) return finish();
  // Its answer may be from before it started, and late.
  const failed = member.name !== "" && !isAlive(view, member) && isAskingAgain(memory, value.nodeId, member, view.nowMs);
  if (!isLate && !failed) return undefined;
  return { kind: "remove", memberId: member.id, why: failed ? "it started and lost its data" : "it never started" };
}

/** A member that started cannot start again without its data. */
function isAskingAgain(memory: StewardMemory, nodeId: NodeId, member: EtcdMember, nowMs: Ms): boolean {
  const heard = memory.present.get(nodeId);
  return heard !== undefined && heard.dataDirEmpty && heard.atMs > member.seenAtMs && nowMs - heard.atMs <= PRESENT_FRESH_MS;
}

/** Its entry is gone: an older installation at the same address, or a person said no. */
function abort(view: HouseView, active: Stored<ActiveAdmission>): AdmissionStep {
  const member = view.members.find(({ id }) => id === active.value.memberId);
  const mine = member ?? view.members.find(({ peerUrl, name }) => name === "" && sharesUrl(peerUrl, active.value.peerUrl));
  if (mine !== undefined && mine.learner && !view.roster.has(nodeOfMember(mine) ?? ""))
    return { kind: "remove", memberId: mine.id, why: "it is no longer in the queue" };
  return giveUp(view, active, undefined, "it is no longer in the queue");
}

/** Not by a guess: a card that was plugged elsewhere would cost a computer that is off its place in the house for good. */
function strikesOff(view: HouseView, entry: QueueEntry, former: NodeId): boolean {
  const there = view.roster.get(former);
  return entry.replaces === former || (there !== undefined && isSurelySameMachine(there.request.machine, entry.request.machine));
}

function giveUp(
  view: HouseView,
  { modRevision }: Stored<ActiveAdmission>,
  entry: Stored<QueueEntry> | undefined,
  why: string,
): AdmissionStep {
  return { kind: "give-up", modRevision, order: behind(view.entries), why, ...(entry !== undefined && { entry }) };
}

function nodeOf(view: HouseView, { nodeId, addresses, versions, request }: QueueEntry, active: ActiveAdmission): HouseNode {
  const { replaces, memberName, peerUrl, name } = active;
  const former = (replaces === undefined ? undefined : view.roster.get(replaces)) ?? view.roster.get(nodeId);
  return { nodeId, name, addresses, versions, request: { ...request, memberName, peerUrl }, role: former?.role ?? "auto" };
}

/** The name that apps are placed by: its former self's; else its own, unless another node of the house has it. */
function nameOf({ roster }: HouseView, { nodeId, name }: QueueEntry, replaced: HouseNode | undefined): string {
  const former = replaced ?? roster.get(nodeId);
  if (former !== undefined) return former.name;
  const taken = new Set([...roster.values()].map((node) => node.name));
  const charactersMax = 60;
  for (let number = 1; number <= roster.size + 1; number++) {
    const tried = number === 1 ? name : `${name.slice(0, charactersMax).replace(/-$/, "")}-${number}`;
    if (!taken.has(tried)) return tried;
  }
  return name;
}
