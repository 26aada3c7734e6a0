// Who votes, who stands by, who works: from the nodes of the house and their members to at most one next change. Pure.
import {
  fitnessClass,
  voteClass,
  isAlive,
  isAliveChecked,
  memberOf,
  nodeOfMember,
  quorumOf,
  silentMs,
  storeSilentMs,
  type EtcdMember,
  type HouseNode,
  type HouseView,
  type Ms,
} from "./house-view.ts";
import type { NodeId } from "./messages.ts";
import { coversUrls, sharesUrl, withoutUrls } from "./peer-urls.ts";

export type VoterStep =
  | { readonly kind: "promote"; readonly memberId: string; readonly why: string }
  /** The node finds its member removed, archives its data, and joins again as far as there is room. */
  | { readonly kind: "remove"; readonly memberId: string; readonly why: string }
  | { readonly kind: "move-leader"; readonly memberId: string; readonly why: string }
  | { readonly kind: "update"; readonly memberId: string; readonly peerUrl: string; readonly why: string }
  /** Puts a worker into the queue, so that it becomes a member. */
  | { readonly kind: "recruit"; readonly nodeId: NodeId; readonly why: string };

/** Voters and standbys together; from the next node on they are workers. */
export const MEMBERS_MAX = 6;
/** Nothing changes so soon after another change; but of two learners promoted together the second follows at once. */
const QUIET_MS = 10_000;
/** Two voters are worse than one; so long may the third be away. */
const EVEN_MAX_MS = 30_000;
/** A leader is moved for a better one only in a house at rest. */
const MOVE_LEADER_AFTER_MS = 20_000;

interface Standing {
  readonly view: HouseView;
  readonly voters: readonly EtcdMember[];
  readonly learners: readonly EtcdMember[];
  /** Alive-checked learners whose nodes want a vote, the best first. */
  readonly ready: readonly EtcdMember[];
  /** How many nodes may vote at all. */
  readonly target: number;
  readonly quietMs: Ms;
}

/** While an admission is under way nothing changes: a joiner whose list of members is not exactly the present one exits. */
export function planVoters(view: HouseView): VoterStep | undefined {
  if (view.active !== undefined || !hasRoster(view)) return undefined;
  // In an order of their own, for etcd and the store list as they like.
  const standing = standingOf({ ...view, members: [...view.members].sort((a, b) => order(a.id, b.id)) });
  const completing = standing.voters.length % 2 === 0 && standing.voters.length < standing.target;
  if (completing && standing.ready.length > 0) return promote(standing);
  if (standing.quietMs < QUIET_MS) return undefined;
  return (
    update(standing) ??
    expel(standing) ??
    promote(standing) ??
    replaceDead(standing) ??
    shrink(standing) ??
    better(standing) ??
    makeRoom(standing) ??
    recruit(standing) ??
    moveLeader(standing)
  );
}

/** 1, 3 or 5 of n nodes. */
export function votersFor(nodes: number): 1 | 3 | 5 {
  return nodes >= 5 ? 5 : nodes >= 3 ? 3 : 1;
}

function standingOf(view: HouseView): Standing {
  const voters = view.members.filter(({ learner }) => !learner);
  const learners = view.members.filter(({ learner }) => learner);
  const eligible = [...view.roster.values()].filter(({ role }) => role === "auto" || role === "voter");
  const ready = learners
    .filter((member) => wantsVote(view, member) && isAliveChecked(view, member))
    .sort((a, b) => voteClassOf(view, a) - voteClassOf(view, b) || order(a.id, b.id));
  const quietMs = view.nowMs - Math.max(view.changedAtMs ?? view.leadsSinceMs, view.leadsSinceMs);
  return { view, voters, learners, ready, target: votersFor(eligible.length), quietMs };
}

/** Who was taken out of the roster leaves the members, the leader after handing over, the only voter after promoting its heir. */
function expel({ view, voters, ready }: Standing): VoterStep | undefined {
  const leaving = voters.find((member) => {
    const nodeId = nodeOfMember(member);
    return nodeId !== undefined && !view.roster.has(nodeId) && view.nowMs - member.seenAtMs >= QUIET_MS;
  });
  if (leaving === undefined) return undefined;
  const why = `${leaving.name} no longer belongs to the house`;
  const [heir] = ready;
  // Nobody listens to it any more, so it hands over even where it cannot leave yet.
  if (voters.length > 1) return handOver(view, voters, leaving, why) ?? withdraw(view, voters, leaving, why);
  return heir && keepsQuorum(view, [...voters, heir]) ? { kind: "promote", memberId: heir.id, why } : undefined;
}

/**
 * A node is removed by taking it out of the roster. Its certificate is refused only when its member is gone, too: until then it may have to
 * hand over. This says why `Cannot remove NAME: ...`; undefined: the rest of the house goes on.
 */
export function removalProblem(view: HouseView, nodeId: NodeId): string | undefined {
  const { voters, ready } = standingOf(view);
  const member = memberOf(voters, nodeId);
  const others = voters.filter((each) => each !== member);
  if (member === undefined) return undefined;
  if (others.length === 0 && ready.length > 0) return undefined;
  if (others.length === 0) return "it keeps the house's state, and no standby is ready to go on with it. Wait until another computer is";
  if (keepsQuorum(view, others)) return undefined;
  const silent = others.filter((each) => !isAlive(view, each)).map((each) => nameOf(view, each));
  return `too few voters would answer without it. First bring back ${silent.join(" and ")}`;
}

/**
 * A node that comes in again sets its store aside at once, while its vote counts until another member takes it out: the others that answer must
 * be a quorum of all. This says why `Cannot ... NAME: ...`; undefined: they are.
 */
export function absenceProblem(view: HouseView, nodeId: NodeId): string | undefined {
  const { voters } = standingOf(view);
  const member = memberOf(voters, nodeId);
  const alive = voters.filter((each) => each !== member && isAlive(view, each)).length;
  if (member === undefined || alive >= quorumOf(voters.length)) return undefined;
  return `its vote still counts: without it ${alive} of ${voters.length} voters would answer`;
}

/** A roster that names none of the members was not read, or is another house's: nobody is thrown out by it. */
export function hasRoster({ roster, members }: HouseView): boolean {
  return members.some((member) => roster.has(nodeOfMember(member) ?? ""));
}

/** To an odd number, at once or in two steps of which the second cannot fail to be due: an even number survives no more than one less. */
function promote({ voters, ready, target, view }: Standing): VoterStep | undefined {
  if (voters.length >= target) return undefined;
  const [best] = ready;
  const needed = voters.length % 2 === 0 ? 1 : 2;
  if (best === undefined || ready.length < needed || !keepsQuorum(view, [...voters, best])) return undefined;
  return { kind: "promote", memberId: best.id, why: `${voters.length + needed} voters survive more than ${voters.length}` };
}

/** A reboot must not trigger it, and without a standby nothing would be won. An agent that speaks for a dead store votes no more than a dead one. */
function replaceDead({ view, voters, ready }: Standing): VoterStep | undefined {
  const dead = voters.find((member) => isLong(view, member, view.replaceAfterMs));
  if (dead === undefined || ready.length === 0) return undefined;
  const others = voters.filter((member) => member !== dead);
  if (!keepsQuorum(view, others)) return undefined;
  return {
    kind: "remove",
    memberId: dead.id,
    why: `the store of ${nameOf(view, dead)} has been silent for long, and a standby takes its vote`,
  };
}

/** More votes than nodes deserve, or an even number that no learner makes odd. */
function shrink({ view, voters, target, quietMs }: Standing): VoterStep | undefined {
  const even = voters.length % 2 === 0 && quietMs >= EVEN_MAX_MS;
  if (voters.length <= target && !even) return undefined;
  if (!voters.every((member) => isAlive(view, member) || isLong(view, member, view.replaceAfterMs))) return undefined;
  const unwilling = voters.filter((member) => !wantsVote(view, member));
  const worst = [...(unwilling.length > 0 ? unwilling : voters)].sort(
    (a, b) =>
      Number(isAlive(view, a)) - Number(isAlive(view, b)) ||
      voteClassOf(view, b) - voteClassOf(view, a) ||
      Number(a.id === view.leaderMemberId) - Number(b.id === view.leaderMemberId) ||
      order(a.id, b.id),
  )[0];
  if (worst === undefined) return undefined;
  return withdraw(view, voters, worst, `${voters.length - 1} voters are enough for ${view.roster.size} nodes`);
}

/** A laptop's vote goes to a standby that stays at home, when all voters are there to bear it. */
function better({ view, voters, ready, target }: Standing): VoterStep | undefined {
  const [best] = ready;
  if (best === undefined || voters.length !== target || voters.length < 3 || !voters.every((each) => isAlive(view, each))) return undefined;
  const worse = voters.find((member) => !wantsVote(view, member) || (voteClassOf(view, member) === 2 && voteClassOf(view, best) < 2));
  return worse && withdraw(view, voters, worse, `${nameOf(view, best)} is the better voter`);
}

/** Never the leader: it hands over first. */
function withdraw(view: HouseView, voters: readonly EtcdMember[], member: EtcdMember, why: string): VoterStep | undefined {
  if (
    !keepsQuorum(
      view,
      voters.filter((each) => each !== member),
    )
  )
    return undefined;
  return member.id === view.leaderMemberId ? handOver(view, voters, member, why) : { kind: "remove", memberId: member.id, why };
}

/** To the best of the others; undefined when this is not the leader. */
function handOver(view: HouseView, voters: readonly EtcdMember[], member: EtcdMember, why: string): VoterStep | undefined {
  if (member.id !== view.leaderMemberId) return undefined;
  const heirs = voters.filter((each) => each !== member && isAliveChecked(view, each));
  const heir = heirs.sort((a, b) => classOf(view, a) - classOf(view, b))[0];
  return heir && { kind: "move-leader", memberId: heir.id, why };
}

/** A learner that is long dead holds a place that a node which is alive could have; and one standby is enough for five voters. */
function makeRoom({ view, voters, learners, target }: Standing): VoterStep | undefined {
  const unwilling = learners.find((member) => view.roster.get(nodeOfMember(member) ?? "")?.role === "worker");
  if (unwilling !== undefined) return { kind: "remove", memberId: unwilling.id, why: `${nameOf(view, unwilling)} is to be a worker` };
  const dead = learners.find((member) => isLong(view, member, view.replaceAfterMs));
  const wanted = view.entries.length > 0 || workers(view).some((node) => isHeard(view, node));
  const full = learners.length >= view.learnersMax || view.members.length >= MEMBERS_MAX;
  if (dead !== undefined && wanted && full)
    return {
      kind: "remove",
      memberId: dead.id,
      why: `the store of ${nameOf(view, dead)} has been silent for long, and another takes its place`,
    };
  if (voters.length < target || voters.length < 5 || learners.length < 2) return undefined;
  const spare = [...learners].sort((a, b) => Number(isAlive(view, a)) - Number(isAlive(view, b)) || order(a.id, b.id))[0];
  return spare && { kind: "remove", memberId: spare.id, why: "one standby is enough for five voters" };
}

/** A worker becomes a member where one is missing. */
function recruit({ view, learners }: Standing): VoterStep | undefined {
  if (view.members.length >= MEMBERS_MAX || learners.length >= view.learnersMax) return undefined;
  const queued = new Set(view.entries.map(({ value }) => value.nodeId));
  const best = workers(view)
    .filter((node) => isHeard(view, node) && !queued.has(node.nodeId))
    .sort((a, b) => voteClass(a.request.fitness) - voteClass(b.request.fitness) || order(a.nodeId, b.nodeId))[0];
  // A member just added would be refused before all voters have been connected for a while.
  if (best === undefined || !view.members.filter(({ learner }) => !learner).every((each) => isAlive(view, each))) return undefined;
  return { kind: "recruit", nodeId: best.nodeId, why: "the house has a place for another standby" };
}

/** Etcd leads best where the disk is fast, nobody closes the lid, and nobody is about to switch it off. */
function moveLeader({ view, voters, quietMs }: Standing): VoterStep | undefined {
  const leader = voters.find(({ id }) => id === view.leaderMemberId);
  if (leader === undefined || quietMs < MOVE_LEADER_AFTER_MS) return undefined;
  const best = voters.filter((member) => isAliveChecked(view, member)).sort((a, b) => classOf(view, a) - classOf(view, b))[0];
  if (best === undefined || classOf(view, best) >= classOf(view, leader)) return undefined;
  return { kind: "move-leader", memberId: best.id, why: `${nameOf(view, best)} leads better` };
}

/** The node said so. A learner is never updated: it leaves and joins again. */
function update({ view }: Standing): VoterStep | undefined {
  for (const member of view.members) {
    const nodeId = nodeOfMember(member);
    const node = nodeId === undefined ? undefined : view.roster.get(nodeId);
    if (node === undefined || node.request.memberName !== member.name) continue;
    const said = (nodeId === view.self ? view.ownPeerUrl : undefined) ?? node.request.peerUrl;
    // No two members share one: where two sites have the same private addresses, the others tell them apart.
    const others = view.members.filter((other) => other !== member).map((other) => other.peerUrl);
    const peerUrl = withoutUrls(said, others);
    const lost = withoutUrls(member.peerUrl, [said]);
    if (peerUrl === "" || (coversUrls(member.peerUrl, peerUrl) && !isWanted(view, node, lost))) continue;
    const why = `${node.name} has another address`;
    return member.learner ? { kind: "remove", memberId: member.id, why } : { kind: "update", memberId: member.id, peerUrl, why };
  }
  return undefined;
}

/** Another computer is now where this node was. */
function isWanted({ roster, entries }: HouseView, { nodeId }: HouseNode, peerUrl: string): boolean {
  const others = [...roster.values(), ...entries.map(({ value }) => value)].filter((other) => other.nodeId !== nodeId);
  return others.some(({ request }) => sharesUrl(request.peerUrl, peerUrl));
}

/** Would those who are alive now be able to decide? */
function keepsQuorum(view: HouseView, voters: readonly EtcdMember[]): boolean {
  return voters.length > 0 && voters.filter((member) => isAlive(view, member)).length >= quorumOf(voters.length);
}

/** Nodes of the house without a member. */
function workers(view: HouseView): readonly HouseNode[] {
  return [...view.roster.values()].filter(({ nodeId, role }) => role !== "worker" && memberOf(view.members, nodeId) === undefined);
}

function isHeard(view: HouseView, { nodeId }: HouseNode): boolean {
  return view.heardAtMs.has(nodeId) && silentMs(view, nodeId) < QUIET_MS;
}

function isLong(view: HouseView, member: EtcdMember, ms: Ms): boolean {
  const isOurs = member.id !== view.leaderMemberId && nodeOfMember(member) !== undefined;
  return isOurs && !isAlive(view, member) && storeSilentMs(view, member) >= ms;
}

function wantsVote(view: HouseView, member: EtcdMember): boolean {
  const role = view.roster.get(nodeOfMember(member) ?? "")?.role;
  return role === "auto" || role === "voter";
}

function voteClassOf(view: HouseView, member: EtcdMember): number {
  const node = view.roster.get(nodeOfMember(member) ?? "");
  return node === undefined ? 2 : voteClass(node.request.fitness);
}

function classOf(view: HouseView, member: EtcdMember): number {
  const node = view.roster.get(nodeOfMember(member) ?? "");
  if (node !== undefined && view.leaving.has(node.nodeId)) return 3;
  return node === undefined ? 2 : fitnessClass(node.request.fitness);
}

function nameOf(view: HouseView, member: EtcdMember): string {
  return view.roster.get(nodeOfMember(member) ?? "")?.name ?? member.name;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
