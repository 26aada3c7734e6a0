// The admission queue at work: runs on every voter and acts only beside the etcd leader. Each second it looks at the queue, the members and
// what the queued computers said, carries out one step of the plan, and tells everybody in the queue that it moves.
import type { Changed, ClusterMember } from "../../adapters/etcd3/cluster.ts";
import type { MemberStatus } from "../../adapters/etcd3/member.ts";
import { planSteward, STEP_AGE_MAX_MS, type StewardStep } from "../../joining/admission.ts";
import { admit, broadcast } from "../../joining/broadcast.ts";
import {
  LEARNERS_MAX,
  nodeOfMember,
  type EtcdMember,
  type HouseNode,
  type HouseView,
  type MemberHealth,
  type Ms,
} from "../../joining/house-view.ts";
import { PROTOCOL, type Address, type Admission, type HouseState, type Message, type NodeId, type Sender } from "../../joining/messages.ts";
import { answered, hear, look, noMemory, type MemberAnswer, type StewardMemory } from "../../joining/steward-memory.ts";
import { withRoles, type HouseRecords } from "../../joining/house-records.ts";
import { storeChange, timingChange } from "../../joining/store-change.ts";
import type { TimingStep } from "../../joining/timing-plan.ts";
import { learnersMaxOf } from "../../joining/versions.ts";
import type { Clock, Log, Store } from "../../ports.ts";
import { isUnderWay, RecordsReader } from "./house-records.ts";
import { clientHosts } from "./house-sight.ts";
import type { Pulse } from "./pulse.ts";
import type { TimingSteward } from "./timing-steward.ts";

/** The calls of `Cluster`, at the member beside this agent. */
export interface MemberCalls {
  members(signal: AbortSignal): Promise<readonly ClusterMember[]>;
  addLearner(peerUrl: string, signal: AbortSignal): Promise<Changed>;
  promote(id: string, signal: AbortSignal): Promise<Changed>;
  remove(id: string, signal: AbortSignal): Promise<Changed>;
  update(id: string, peerUrl: string, signal: AbortSignal): Promise<Changed>;
  moveLeader(id: string, signal: AbortSignal): Promise<Changed>;
}

export interface StewardOptions {
  readonly store: Pick<Store, "commit">;
  readonly reads: Pick<Store, "list" | "get">;
  readonly cluster: MemberCalls;
  /** Of the member at `address:port`; throws when it does not answer. */
  readonly status: (host: string, signal: AbortSignal) => Promise<MemberStatus>;
  /** The client endpoint of the member beside this agent. */
  readonly localHost: string;
  readonly self: () => Sender;
  /** Of the member beside this agent, now. */
  readonly peerUrl: () => string;
  readonly house: () => HouseState;
  readonly replaceAfterMs: () => Ms;
  /** Nodes that are drained, or about to stop. */
  readonly leaving: () => ReadonlySet<NodeId>;
  /** Parts in the store that people wish for, by the names of the nodes. */
  readonly roles: () => ReadonlyMap<string, HouseNode["role"]>;
  /** What an admitted node needs besides: certificates, token, timing. */
  readonly credentials: (admission: Admission) => Promise<string>;
  /** Tries the addresses in turn and waits for nothing. */
  readonly send: (to: readonly Address[], message: Message) => void;
  /** How patient the members are; absent: as they were founded. */
  readonly timing?: Pick<TimingSteward, "plan" | "restart" | "forget">;
  /** No other node belongs to the house. */
  readonly isAlone: () => boolean;
  readonly pulse: Pulse;
  /** It was carried out; `view` is of before. */
  readonly onStep: (step: StewardStep, view: HouseView) => void;
  readonly clock: Clock;
  readonly log: Log;
}

const QUIET_MS = 4_000;
/** Until somebody asks to be let in there is nothing to do. */
const QUIET_ALONE_MS = 15_000;
/** A step leads to the next one at once; more in a row are a mistake. */
const STEPS_MAX = 8;
const STATUS_LIMIT_MS = 1_500;
/** Who asked nobody for so long stood still: the others were not silent meanwhile. */
const STOOD_STILL_MS = 60_000;
const UNTIL_MS = 30_000;

/** What an agent remembers for as long as its member leads: of one term, for another may have led while this computer slept. */
interface Reign {
  readonly term: number;
  readonly sinceMs: Ms;
  /** When the members were asked the last time. */
  askedAtMs: Ms;
  memory: StewardMemory;
  readonly health: Map<string, MemberHealth>;
  /** Where each member answered the last time. */
  readonly hosts: Map<string, string>;
  readonly memberSeen: Map<string, { readonly name: string; readonly atMs: Ms }>;
  members: string | undefined;
  changedAtMs: Ms | undefined;
  /** Of the leader's store at the last look. */
  revision: number;
}

export class Steward {
  readonly #options: StewardOptions;
  readonly #records: RecordsReader;
  readonly #heardAtMs = new Map<NodeId, Ms>();
  #reign: Reign | undefined;
  #wake: (() => void) | undefined;

  constructor(options: StewardOptions) {
    this.#options = options;
    this.#records = new RecordsReader(options.reads, options.clock);
  }

  /** Every message of a node of the house, or of one in the queue. */
  heard(message: Message): void {
    const nowMs = this.#options.clock.now();
    this.#heardAtMs.set(message.from.nodeId, nowMs);
    if ((message.kind !== "present" && message.kind !== "started") || this.#reign === undefined) return;
    this.#reign.memory = hear(this.#reign.memory, message, nowMs);
    this.wake();
  }

  /** Something changed: looks now. */
  wake(): void {
    this.#wake?.();
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { isAlone, pulse, log } = this.#options;
    while (!signal.aborted) {
      try {
        for (let steps = 0; steps < STEPS_MAX && (await this.#look(signal)); steps += 1);
      } catch (error) {
        if (!signal.aborted) log.debug("The queue was not looked at", { error: String(error) });
      }
      const woken = new AbortController();
      this.#wake = () => woken.abort();
      await pulse.rest(isAlone() ? QUIET_ALONE_MS : QUIET_MS, AbortSignal.any([signal, woken.signal]));
    }
  }

  /** True: a step was carried out, and the next may follow. */
  async #look(signal: AbortSignal): Promise<boolean> {
    const { cluster, status, localHost, timing, onStep, pulse, clock, log, self } = this.#options;
    const local = await status(localHost, limited(signal));
    if (local.leaderId !== local.memberId) {
      this.#reign = undefined;
      timing?.forget();
      return false;
    }
    const stoodStill = this.#reign !== undefined && clock.now() - this.#reign.askedAtMs > STOOD_STILL_MS;
    if (this.#reign?.term !== local.term || stoodStill) this.#reign = begin(local.term, clock.now());
    const reign = this.#reign;
    const members = await cluster.members(signal);
    await this.#askAll(reign, { local, members }, signal);
    const records = await this.#records.read(signal);
    const view = this.#view(reign, { local, members, records });
    if (isUnderWay(records)) pulse.changed();
    reign.memory = look(reign.memory, view, new Date(Date.parse(clock.wall()) + UNTIL_MS).toISOString());
    await this.#tell(view, self());
    const step = planSteward(view, reign.memory) ?? timing?.plan(view);
    // What was seen a while ago, before a stall or a long answer, is no ground to change members on: a learner may have died since.
    if (step === undefined || clock.now() - view.nowMs > STEP_AGE_MAX_MS) return false;
    const answer = await this.#carryOut(step, view, signal).catch((error: unknown): MemberAnswer => {
      signal.throwIfAborted();
      // Done or not, the next look sees it; and one computer that cannot be had must not hold up the others.
      log.warn("Member step failed", { step: step.kind, error: String(error) });
      return "unknown";
    });
    if (step.kind === "add-learner") reign.memory = answered(reign.memory, answer, clock.now());
    pulse.changed(); // one step leads to the next, and members are not in the store's copy
    log.info("Member step", { step: step.kind, answer, ...("why" in step && { why: step.why }) });
    if (answer === "done" && step.kind !== "set-timing" && step.kind !== "restart") onStep(step, view);
    return answer === "done";
  }

  async #askAll(
    reign: Reign,
    { local, members }: { readonly local: MemberStatus; readonly members: readonly ClusterMember[] },
    signal: AbortSignal,
  ): Promise<void> {
    const { clock } = this.#options;
    const { revision } = reign;
    reign.askedAtMs = clock.now();
    reign.revision = local.revision;
    await Promise.all(
      members.map(async (member) => {
        const { id, name } = member;
        const said = await this.#ask(reign, member, signal);
        const nowMs = clock.now();
        const before = reign.health.get(id);
        if (said === undefined) {
          if (before?.answeredAtMs !== undefined) reign.health.set(id, { answeredAtMs: before.answeredAtMs });
          return;
        }
        const answeringSinceMs = before?.answeringSinceMs ?? nowMs;
        const inSync = said.leaderId === local.memberId && said.revision >= revision;
        reign.health.set(id, { answeredAtMs: nowMs, answeringSinceMs, inSync });
        const nodeId = nodeOfMember({ name });
        if (nodeId !== undefined) this.#heardAtMs.set(nodeId, nowMs);
      }),
    );
    for (const id of reign.health.keys()) if (!members.some((member) => member.id === id)) reign.health.delete(id);
  }

  /** Where it answered the last time, else wherever it may be. */
  async #ask(reign: Reign, member: ClusterMember, signal: AbortSignal): Promise<MemberStatus | undefined> {
    const { status } = this.#options;
    const hosts = clientHosts(member);
    const askAt = async (host: string): Promise<MemberStatus> => {
      const said = await status(host, limited(signal));
      if (said.memberId !== member.id) throw new Error(`Another member answers at ${host}`);
      reign.hosts.set(member.id, host);
      return said;
    };
    const known = reign.hosts.get(member.id);
    if (known !== undefined && hosts.includes(known)) {
      reign.hosts.delete(member.id);
      return askAt(known).catch(() => undefined);
    }
    return Promise.any(hosts.map(askAt)).catch(() => undefined);
  }

  #view(
    reign: Reign,
    read: { readonly local: MemberStatus; readonly members: readonly ClusterMember[]; readonly records: HouseRecords },
  ): HouseView {
    const { house, self, peerUrl, replaceAfterMs, leaving, roles, clock } = this.#options;
    const { local, members, records } = read;
    const nowMs = clock.now();
    const are = members.map(({ id, learner }) => `${id} ${learner}`).join();
    if (reign.members !== undefined && reign.members !== are) reign.changedAtMs = nowMs;
    reign.members = are;
    const versions = [...records.roster.values()].map((node) => node.versions.etcd);
    return {
      nowMs,
      self: self().nodeId,
      ownPeerUrl: peerUrl(),
      house: house(),
      clusterId: local.clusterId,
      leaderMemberId: local.memberId,
      term: local.term,
      ...records,
      roster: withRoles(records.roster, roles()),
      members: members.map((member) => this.#seen(reign, member, nowMs)),
      health: reign.health,
      heardAtMs: this.#heardAtMs,
      leadsSinceMs: reign.sinceMs,
      ...(reign.changedAtMs !== undefined && { changedAtMs: reign.changedAtMs }),
      learnersMax: learnersMaxOf(versions, LEARNERS_MAX),
      replaceAfterMs: replaceAfterMs(),
      leaving: leaving(),
    };
  }

  #seen(reign: Reign, { id, name, peerUrl, learner }: ClusterMember, nowMs: Ms): EtcdMember {
    const before = reign.memberSeen.get(id);
    const seenAtMs = before?.name === name ? before.atMs : nowMs;
    reign.memberSeen.set(id, { name, atMs: seenAtMs });
    return { id, name, peerUrl, learner, seenAtMs };
  }

  async #tell(view: HouseView, from: Sender): Promise<void> {
    const { send, credentials } = this.#options;
    const { message, to } = broadcast(view, from);
    for (const addresses of to) send(addresses, message);
    const admitted = admit(view);
    if (admitted === undefined) return;
    const { admission } = admitted;
    send(admitted.to, { protocol: PROTOCOL, kind: "admitted", from, admission, credentials: await credentials(admission) });
  }

  async #carryOut(step: StewardStep | TimingStep, view: HouseView, signal: AbortSignal): Promise<MemberAnswer> {
    const { cluster, store, timing } = this.#options;
    switch (step.kind) {
      case "add-learner":
        return answerOf(await cluster.addLearner(step.peerUrl, signal));
      case "promote":
        return answerOf(await cluster.promote(step.memberId, signal));
      case "remove":
        return answerOf(await cluster.remove(step.memberId, signal));
      case "update":
        return answerOf(await cluster.update(step.memberId, step.peerUrl, signal));
      case "move-leader":
        return answerOf(await cluster.moveLeader(step.memberId, signal));
      case "restart":
        timing?.restart(step, view);
        return "unknown";
      default: {
        const change = step.kind === "set-timing" ? timingChange(step) : storeChange(step, view);
        return change !== undefined && (await store.commit(change, signal)).committed ? "done" : "unknown";
      }
    }
  }
}

function begin(term: number, sinceMs: Ms): Reign {
  return {
    term,
    sinceMs,
    askedAtMs: sinceMs,
    memory: noMemory,
    health: new Map(),
    hosts: new Map(),
    memberSeen: new Map(),
    members: undefined,
    changedAtMs: undefined,
    revision: 0,
  };
}

function answerOf(changed: Changed): MemberAnswer {
  if (changed.kind === "done") return "done";
  switch (changed.reason) {
    case "unhealthy":
    case "too many learners":
      return changed.reason;
    case "exists":
      return "peer url exists";
    case "not in sync":
    case "not found":
    case "not the leader":
      return "unknown";
  }
}

function limited(signal: AbortSignal): AbortSignal {
  return AbortSignal.any([signal, AbortSignal.timeout(STATUS_LIMIT_MS)]);
}
