// A model of one etcd cluster, with the traps that were measured on the real one: who is a member, who leads, what the store holds.
import type { MemberAnswer } from "../../../src/joining/steward-memory.ts";
import type { StoreChange } from "../../../src/joining/store-change.ts";
import { LEARNERS_MAX, quorumOf } from "../../../src/joining/house-view.ts";
import type { SeededRandom } from "../../fakes/clock.ts";

/** All voters must have been connected for so long before anybody is added. */
const HEALTHY_AFTER_MS = 5_000;
const ELECTION_MS = 1_000;

export interface Member {
  readonly id: string;
  /** "" until it has started. */
  name: string;
  peerUrl: string;
  learner: boolean;
  /** Its log was close to the leader's once: then a promotion is not refused, whether it is alive or not. */
  caughtUp: boolean;
  connectedSinceMs: number | undefined;
}

interface Value {
  readonly value: string;
  readonly modRevision: number;
}

/** What the world says of the processes behind the members. */
export interface Processes {
  /** The host on which the member's process runs, when it runs and others reach its address. */
  hostOf(cluster: Cluster, member: Member): number | undefined;
  /** Wherever that is. */
  runsOn(cluster: Cluster, member: Member): number | undefined;
  linked(a: number, b: number): boolean;
}

export class Cluster {
  readonly id: string;
  readonly houseId: string;
  readonly epoch: number;
  readonly members: Member[] = [];
  readonly store = new Map<string, Value>();
  /** Newcomers without a proof, and those of them that a person approved. */
  readonly waiting = new Set<string>();
  readonly approved = new Set<string>();
  revision = 1;
  term = 1;
  leader: Member | undefined;
  hasObjects = false;
  #memberIds = 0;
  #leaderlessSinceMs: number | undefined;
  readonly #processes: Processes;
  readonly #random: SeededRandom;

  constructor(options: {
    readonly id: string;
    readonly houseId: string;
    readonly epoch: number;
    readonly processes: Processes;
    readonly random: SeededRandom;
  }) {
    this.id = options.id;
    this.houseId = options.houseId;
    this.epoch = options.epoch;
    this.#processes = options.processes;
    this.#random = options.random;
  }

  get voters(): readonly Member[] {
    return this.members.filter(({ learner }) => !learner);
  }

  /** The first member, which founds. */
  found(name: string, peerUrl: string, nowMs: number): Member {
    const member = this.#add({ name, peerUrl, learner: false });
    Object.assign(member, { caughtUp: true, connectedSinceMs: nowMs });
    this.leader = member;
    return member;
  }

  /** Voters that run and that one of them reaches, itself included. */
  reached(host: number): number {
    return this.voters.filter((member) => this.#reaches(host, member)).length;
  }

  leaderHost(): number | undefined {
    return this.leader && this.#processes.runsOn(this, this.leader);
  }

  /** A process is where it is, whatever the others still have as its address. */
  #reaches(host: number, member: Member): boolean {
    if (this.#processes.runsOn(this, member) === host) return true;
    const other = this.#processes.hostOf(this, member);
    return other !== undefined && this.#processes.linked(host, other);
  }

  /** A leader that reaches a majority, and a way from this host to it, over a voter or at once. */
  serves(host: number): boolean {
    const leader = this.leaderHost();
    if (leader === undefined || this.reached(leader) < quorumOf(this.voters.length)) return false;
    if (this.#processes.linked(host, leader)) return true;
    return this.voters.some((member) => {
      const over = this.#processes.hostOf(this, member);
      return over !== undefined && this.#processes.linked(host, over) && this.#processes.linked(over, leader);
    });
  }

  /** Heartbeats and elections, every so often. */
  beat(nowMs: number): void {
    const leader = this.leaderHost();
    const leads = leader !== undefined && this.reached(leader) >= quorumOf(this.voters.length);
    if (!leads) return this.#elect(nowMs);
    this.#leaderlessSinceMs = undefined;
    for (const member of this.members) {
      const connected = this.#reaches(leader, member);
      member.connectedSinceMs = connected ? (member.connectedSinceMs ?? nowMs) : undefined;
      if (connected && member.name !== "") member.caughtUp = true;
    }
  }

  #elect(nowMs: number): void {
    this.#leaderlessSinceMs ??= nowMs;
    if (nowMs - this.#leaderlessSinceMs < ELECTION_MS) return;
    const candidates = this.voters.filter((member) => {
      const host = this.#processes.runsOn(this, member);
      return host !== undefined && this.reached(host) >= quorumOf(this.voters.length);
    });
    if (candidates.length === 0) return;
    this.leader = this.#random.pick(candidates);
    this.term += 1;
    this.#leaderlessSinceMs = undefined;
    // Streams are set up anew.
    for (const member of this.members) member.connectedSinceMs = undefined;
  }

  // ---------------------------------------------------------------- changes of the members; whoever calls has asked `serves`

  add(peerUrl: string, learner: boolean, nowMs: number): MemberAnswer {
    if (this.members.some((member) => member.peerUrl === peerUrl)) return "peer url exists";
    if (learner && this.members.filter((member) => member.learner).length >= LEARNERS_MAX) return "too many learners";
    const healthy = this.voters.every(
      ({ connectedSinceMs }) => connectedSinceMs !== undefined && nowMs - connectedSinceMs >= HEALTHY_AFTER_MS,
    );
    if (!healthy && !(this.voters.length === 1)) return "unhealthy";
    this.#add({ name: "", peerUrl, learner });
    return "done";
  }

  /** Checks the position of the log, not life. */
  promote(id: string): MemberAnswer {
    const member = this.member(id);
    if (member === undefined || !member.learner || !member.caughtUp) return "unknown";
    member.learner = false;
    return "done";
  }

  remove(id: string): MemberAnswer {
    const at = this.members.findIndex((member) => member.id === id);
    if (at < 0) return "unknown";
    const [member] = this.members.splice(at, 1);
    if (member === this.leader) this.leader = undefined;
    return "done";
  }

  update(id: string, peerUrl: string): MemberAnswer {
    const member = this.member(id);
    if (member === undefined) return "unknown";
    if (this.members.some((other) => other.peerUrl === peerUrl)) return "peer url exists";
    member.peerUrl = peerUrl;
    return "done";
  }

  moveLeader(id: string): MemberAnswer {
    const member = this.member(id);
    if (member === undefined || member.learner || this.#processes.hostOf(this, member) === undefined) return "unknown";
    this.leader = member;
    this.term += 1;
    return "done";
  }

  member(id: string): Member | undefined {
    return this.members.find((member) => member.id === id);
  }

  // ---------------------------------------------------------------- the store

  /** Compare-and-swap: false when a key is not at its revision. */
  commit({ compare, writes }: StoreChange): boolean {
    if (compare.some(({ key, modRevision }) => (this.store.get(key)?.modRevision ?? 0) !== modRevision)) return false;
    this.revision += 1;
    for (const write of writes) {
      if ("delete" in write) this.store.delete(write.delete);
      else this.store.set(write.put, { value: write.value, modRevision: this.revision });
    }
    return true;
  }

  #add(options: Pick<Member, "name" | "peerUrl" | "learner">): Member {
    this.#memberIds += 1;
    const member = { ...options, id: `${this.id}m${this.#memberIds}`, caughtUp: false, connectedSinceMs: undefined };
    this.members.push(member);
    return member;
  }
}
