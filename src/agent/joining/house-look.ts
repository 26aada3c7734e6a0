// One look round the house, by whichever node a person asks: who answers, how far away, how old what each of them knows is, and what the
// house survives.
import type { Computer, ComputerRole, HouseComputers } from "../../api/computers.ts";
import { memberOf, type HouseNode, type HouseView, type Ms } from "../../joining/house-view.ts";
import type { Membership } from "../../joining/joiner-state.ts";
import type { Address, Versions } from "../../joining/messages.ts";
import { splitUrls } from "../../joining/peer-urls.ts";
import { holderOfAddress, likelyFormerSelf } from "../../joining/queue.ts";
import { survives } from "../../joining/survives.ts";
import type { Clock } from "../../ports.ts";
import type { NodeAt } from "./courier.ts";
import { clientHosts, type HouseSight } from "./house-sight.ts";
import type { Inside } from "./inside.ts";
import type { Seen } from "./seen.ts";

/** What a node says of itself to one that looks round. */
export interface NodeState {
  readonly versions: Versions;
  /** How old what it knows of the house is. */
  readonly ageMs?: Ms;
  /** Where its store says what ails it. */
  readonly storeLog: string;
}

export interface LookOptions {
  readonly inside: Pick<Inside, "memberStatus"> & {
    readonly membership: Pick<Membership, "clusterId" | "memberId">;
    readonly sight: Pick<HouseSight, "records" | "members" | "isFresh" | "ageMs"> & { readonly seen: Pick<Seen, "house"> };
  };
  readonly self: string;
  readonly versions: Versions;
  readonly storeLog: string;
  readonly replaceAfterMs: Ms;
  /** Of that member alone. Throws when it does not answer. */
  readonly ask: (to: NodeAt, method: string) => Promise<unknown>;
  readonly heardAtMs: (nodeId: string) => Ms | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export interface HouseLook extends Omit<HouseComputers, "waiting"> {
  readonly view: HouseView;
}

interface Answered {
  readonly address: Address;
  readonly roundTripMs: number;
  readonly state: NodeState;
}

const AGENT_LIMIT_MS = 1_500;
/** It answers now: for how long it has, the one that changes members sees for itself. */
const ALIVE_CHECKED_MS = 10_000;
const LEARNERS_MAX = 3;

export async function lookRound(options: LookOptions): Promise<HouseLook> {
  const { sight } = options.inside;
  const roster = [...(sight.records?.roster.values() ?? [])].sort((a, b) => (a.name < b.name ? -1 : 1));
  const [members, answered] = await Promise.all([
    askMembers(options),
    Promise.all(roster.map(async (node) => [node.nodeId, await askAgent(options, node)] as const)),
  ]);
  const answers = new Map(answered);
  const view = viewOf(options, members, answers);
  const voters = view.members.filter(({ learner }) => !learner);
  const newcomers = view.entries.map(({ value }) => value).filter(({ nodeId }) => !view.roster.has(nodeId));
  return {
    view,
    survives: survives(view),
    voters: voters.length,
    votersUp: voters.filter(({ id }) => view.health.has(id)).length,
    computers: roster.map((node) => computerOf(options, view, node, answers.get(node.nodeId))),
    returned: [...roster, ...newcomers].flatMap((node) => {
      const former = likelyFormerSelf(view, node);
      return former === undefined ? [] : [{ name: node.name, former: former.name }];
    }),
    misplaced: newcomers.flatMap((newcomer) => {
      const holder = holderOfAddress(view, newcomer);
      return holder === undefined ? [] : [{ name: newcomer.name, holder: holder.name }];
    }),
  };
}

/** Ids of those members of the store that answer now. */
async function askMembers({ inside, signal }: LookOptions): Promise<ReadonlySet<string>> {
  const { sight, membership } = inside;
  const answers = await Promise.all(
    sight.members.map(async (member) => {
      const { id } = member;
      // It has just been read through.
      if (id === membership.memberId && sight.isFresh) return [id];
      const ask = async (host: string): Promise<void> => {
        if ((await inside.memberStatus(host, signal)).memberId !== id) throw new Error(`Another member answers at ${host}`);
      };
      return Promise.any(clientHosts(member).map(ask)).then(
        () => [id],
        () => [], // silent
      );
    }),
  );
  return new Set(answers.flat());
}

/** At the address that answers first; undefined: none does. The way is timed on a connection that is open. */
async function askAgent({ ask, self, signal }: LookOptions, { nodeId, addresses }: HouseNode): Promise<Answered | undefined> {
  if (nodeId === self) return undefined;
  const limit = AbortSignal.any([signal, AbortSignal.timeout(AGENT_LIMIT_MS)]);
  const late = new Promise<never>((_resolve, reject) =>
    limit.addEventListener("abort", () => reject(limit.reason as Error), { once: true }),
  );
  const asked = Promise.any(
    addresses.map(async (address): Promise<Answered> => {
      await ask({ nodeId, address }, "state");
      const startedAtMs = performance.now();
      const state = (await ask({ nodeId, address }, "state")) as NodeState; // a member's own answer
      return { address, roundTripMs: Math.round((performance.now() - startedAtMs) * 10) / 10, state };
    }),
  );
  return Promise.race([asked, late]).catch(() => undefined); // silent
}

function viewOf(
  { inside, self, heardAtMs, replaceAfterMs, clock }: LookOptions,
  alive: ReadonlySet<string>,
  answers: ReadonlyMap<string, Answered | undefined>,
): HouseView {
  const { sight, membership } = inside;
  const nowMs = clock.now();
  const roster = sight.records?.roster ?? new Map<string, HouseNode>();
  const heard = [...roster.keys()].flatMap((nodeId) => {
    const atMs = answers.get(nodeId) === undefined && nodeId !== self ? heardAtMs(nodeId) : nowMs;
    return atMs === undefined ? [] : [[nodeId, atMs] as const];
  });
  return {
    nowMs,
    self,
    house: sight.seen.house,
    clusterId: membership.clusterId,
    leaderMemberId: "",
    term: 0,
    entries: sight.records?.entries ?? [],
    roster,
    members: sight.members.map(({ id, name, peerUrl, learner }) => ({ id, name, peerUrl, learner, seenAtMs: 0 })),
    health: new Map([...alive].map((id) => [id, { answeringSinceMs: nowMs - ALIVE_CHECKED_MS, answeredAtMs: nowMs }])),
    heardAtMs: new Map(heard),
    leadsSinceMs: 0,
    learnersMax: LEARNERS_MAX,
    replaceAfterMs,
    leaving: new Set(),
  };
}

function computerOf(
  { inside, self, versions, storeLog, heardAtMs, clock }: LookOptions,
  view: HouseView,
  node: HouseNode,
  answered: Answered | undefined,
): Computer {
  const { nodeId, name } = node;
  const isSelf = nodeId === self;
  const member = memberOf(view.members, nodeId);
  const stateAgeMs = isSelf ? inside.sight.ageMs : answered?.state.ageMs;
  const heard = heardAtMs(nodeId);
  const { fossora, etcd } = isSelf ? versions : (answered?.state.versions ?? node.versions);
  const isSilent = member !== undefined && !view.health.has(member.id) && (isSelf || answered !== undefined);
  const seenAtMs = answered !== undefined || isSelf ? view.nowMs : heard;
  return {
    name,
    nodeId,
    role: roleOf(member),
    self: isSelf,
    ...(answered !== undefined ? { address: answered.address, roundTripMs: answered.roundTripMs } : addressOf(node)),
    ...(member !== undefined && { peerUrl: forPeople(member.peerUrl) }),
    ...(stateAgeMs !== undefined && { stateAgeMs }),
    versions: { fossora, etcd },
    ...(isSilent && { silentStore: { log: answered?.state.storeLog ?? storeLog } }),
    ...(seenAtMs !== undefined && { lastSeen: wallOf(seenAtMs, view.nowMs, clock) }),
  };
}

function forPeople(peerUrl: string): string {
  return splitUrls(peerUrl)
    .join(" ")
    .replaceAll(/\[::ffff:([\d.]+)\]/g, "$1");
}

function addressOf({ addresses: [address] }: HouseNode): Pick<Computer, "address"> {
  return address === undefined ? {} : { address };
}

function roleOf(member: { readonly learner: boolean } | undefined): ComputerRole {
  return member === undefined ? "worker" : member.learner ? "standby" : "voter";
}

function wallOf(atMs: Ms, nowMs: Ms, clock: Clock): string {
  return new Date(Date.parse(clock.wall()) - (nowMs - atMs)).toISOString().replace(/\.\d+Z$/, "Z");
}
