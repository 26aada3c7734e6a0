// What must never happen while computers become one house, checked at each event and each change of the members.
import type { StewardStep } from "../../../src/joining/admission.ts";
import { nodeOfMember, quorumOf } from "../../../src/joining/house-view.ts";
import type { JoinerEffect, JoinerEvent, Phase } from "../../../src/joining/joiner-state.ts";
import type { Message, NodeId, Trust } from "../../../src/joining/messages.ts";
import type { MemberAnswer } from "../../../src/joining/steward-memory.ts";
import type { Cluster, Member } from "./cluster.ts";
import type { Host } from "./host.ts";
import { recordsOf } from "./store.ts";
import type { World } from "./world.ts";

/** Between the last answer of a member and the change that relied on it. */
const GRACE_MS = 5_000;

export class Invariants {
  readonly #world: World;
  /** When a host last heard another: while both were settling, and when the other was past that. */
  readonly #settling = new Map<string, number>();
  readonly #settled = new Map<string, number>();
  readonly #lookingSince = new Map<Host, number>();
  readonly #met = new Map<NodeId, { readonly houseId: string; readonly epoch: number }>();
  readonly #founders = new Map<Host, { readonly clusterId: string; readonly sinceMs: number }>();

  constructor(world: World) {
    this.#world = world;
  }

  /** After every event. */
  check(): void {
    for (const host of this.#world.hosts) this.#servesNothingOlder(host);
    for (const cluster of this.#world.clusters.values()) {
      let unstarted = 0;
      for (const { name } of cluster.members) if (name === "") unstarted += 1;
      if (unstarted > 1 && !this.#allStarting(cluster)) this.#world.fail(`${unstarted} admissions are under way at once`);
    }
  }

  #meet(host: Host, { from: { house } }: Message): void {
    const own = this.#world.clusterOf(host);
    const { nodeId } = host.disk;
    const before = this.#met.get(nodeId);
    if (house === undefined || own?.houseId !== house.id || house.epoch <= own.epoch) return;
    if (before?.houseId !== house.id || before.epoch < house.epoch) this.#met.set(nodeId, { houseId: house.id, epoch: house.epoch });
  }

  /** Once a node has met a higher epoch of its house, its store takes no write under a lower one, whenever it starts. */
  #servesNothingOlder(host: Host): void {
    const met = this.#met.get(host.disk.nodeId);
    const cluster = met && host.etcd && this.#world.clusters.get(host.etcd.clusterId);
    if (cluster?.houseId === met?.houseId && cluster !== undefined && met !== undefined && cluster.epoch < met.epoch)
      this.#world.fail(`${host.name} serves epoch ${cluster.epoch} after it met a higher one, ${met.epoch}`);
  }

  /** A member that runs has its name a moment later. */
  #allStarting(cluster: Cluster): boolean {
    const pending = cluster.members.filter((member) => member.name === "" && this.#world.hostOf(cluster, member) === undefined);
    return pending.length <= 1;
  }

  onStart(host: Host): void {
    this.#lookingSince.set(host, this.#world.nowMs);
  }

  onHeard(host: Host, from: Host, heard: { readonly message: Message; readonly sentAtMs: number; readonly trust: Trust }): void {
    const { message, sentAtMs, trust } = heard;
    if (trust === "trusted") this.#meet(host, message);
    // Of a former life.
    if (sentAtMs < from.bornAtMs || message.from.nodeId !== from.disk.nodeId) return;
    if (this.#world.isRemoved(host) || this.#world.isRemoved(from)) return;
    const pair = `${host.index},${from.index}`;
    const { house, founding } = message.from;
    if (house !== undefined || founding === "founds") this.#settled.set(pair, this.#world.nowMs);
    else if (isSettling(host) && isSettling(from)) this.#settling.set(pair, this.#world.nowMs);
  }

  onEvent(
    host: Host,
    event: JoinerEvent,
    { effects, before }: { readonly effects: readonly JoinerEffect[]; readonly before: Phase },
  ): void {
    const phase = host.agent?.joiner.phase;
    if (phase?.kind === "looking" && host.clock(this.#world.nowMs) === phase.sinceMs) this.#lookingSince.set(host, this.#world.nowMs);
    if (effects.some(({ kind }) => kind === "found")) this.#checkFounding(host);
    if (before.kind === "member" && effects.some(({ kind }) => kind === "archive")) this.#checkArchive(host, event);
  }

  /** One house, provided that each two fresh nodes exchanged a message while settling. */
  #checkFounding(host: Host): void {
    if (host.disk.home !== undefined) this.#world.fail(`${host.name} founds a house although ${host.disk.home}, with its apps, is its own`);
    const sinceMs = this.#lookingSince.get(host) ?? host.bornAtMs;
    for (const [other, founder] of this.#founders) {
      if (other === host || other.people !== host.people || this.#world.clusterOf(other)?.id !== founder.clusterId) continue;
      const settled = this.#settled.get(`${host.index},${other.index}`) ?? -1;
      const exchanged = Math.min(
        this.#settling.get(`${host.index},${other.index}`) ?? -1,
        this.#settling.get(`${other.index},${host.index}`) ?? -1,
      );
      if (settled >= Math.max(sinceMs, other.bornAtMs) || exchanged >= Math.max(sinceMs, founder.sinceMs))
        this.#world.fail(`${host.name} founds a second house although it and ${other.name} had spoken`);
    }
    const { clusters } = this.#world;
    this.#founders.set(host, { clusterId: `c${clusters.size + 1}`, sinceMs });
  }

  /** What was founded in the meantime has its name only now. */
  onFounded(host: Host, clusterId: string): void {
    const founder = this.#founders.get(host);
    this.#founders.set(host, { clusterId, sinceMs: founder?.sinceMs ?? host.bornAtMs });
  }

  /** A node's data is set aside when it counts no more, never otherwise. */
  #checkArchive(host: Host, event: JoinerEvent): void {
    const { data } = host.disk;
    const cluster = data && this.#world.clusters.get(data.clusterId);
    if (data === undefined || cluster === undefined || event.kind === "etcd-ended") return;
    if ([...this.#world.clusters.values()].some(({ houseId, epoch }) => houseId === cluster.houseId && epoch > cluster.epoch)) return;
    const member = cluster.member(data.memberId);
    const nodes = recordsOf(cluster).roster.size;
    if (member !== undefined && member.name !== "" && (nodes > 1 || cluster.hasObjects))
      this.#world.fail(`${host.name} gives up a house with ${nodes} nodes${cluster.hasObjects ? " and objects" : ""}`);
  }

  /** Around a change of the members. */
  around(cluster: Cluster, step: StewardStep, change: () => MemberAnswer): MemberAnswer {
    const had = this.#quorum(cluster);
    this.#before(cluster, step);
    const answer = change();
    if (answer !== "done") return answer;
    if (had && !this.#quorum(cluster)) this.#world.fail(`a change of the members lost the quorum: ${JSON.stringify(step)}`);
    return answer;
  }

  #before(cluster: Cluster, step: StewardStep): void {
    switch (step.kind) {
      case "add-learner":
        return this.#isKnown(cluster, step.peerUrl);
      case "promote": {
        const member = cluster.member(step.memberId);
        if (member?.learner === true && !this.#isAlive(cluster, member))
          this.#world.fail(`a learner that is not alive was promoted: ${member.name}`);
        return;
      }
      case "remove":
        if (cluster.leader?.id === step.memberId) this.#world.fail("the leader was removed before it handed over");
        return this.#checkSilence(cluster, step);
      case "update":
        if (cluster.member(step.memberId)?.learner === true) this.#world.fail("a learner was updated");
        return;
      default:
    }
  }

  /** A reboot takes no vote away. */
  #checkSilence(cluster: Cluster, { memberId, why }: Extract<StewardStep, { kind: "remove" }>): void {
    const host = this.#world.hosts.find(({ disk }) => disk.data?.memberId === memberId);
    if (!/silent for long/.test(why) || host === undefined || cluster.member(memberId)?.learner !== false) return;
    const endedAtMs =
      host.agent === undefined ? host.crashedAtMs : host.etcd === undefined ? host.storeEndedAtMs : Number.NEGATIVE_INFINITY;
    const awayMs = this.#world.nowMs - endedAtMs;
    // Clocks differ, and its last sign of life is a tick old.
    if (awayMs < this.#world.replaceAfterMs * 0.9) this.#world.fail(`${host.name} lost its vote after ${awayMs} ms of silence`);
  }

  /** Of an entry that somebody vouched for, and whose machine nobody refuses. */
  #isKnown(cluster: Cluster, peerUrl: string): void {
    const { entries, active } = recordsOf(cluster);
    const host = this.#world.hosts.find((each) => each.peerUrl === peerUrl);
    if (host?.people === "stranger") this.#world.fail(`a stranger is being admitted: ${host.name}`);
    // Its entry may have been replaced a moment ago, by one for its new address; or it was called off while this was on its way.
    const known = active?.value.peerUrl === peerUrl || entries.some(({ value }) => value.request.peerUrl === peerUrl) || host !== undefined;
    if (!known) this.#world.fail(`a member of unknown key is added: ${peerUrl}`);
  }

  /** Of all members once it is calm. */
  checkMembers(cluster: Cluster): void {
    const { roster } = recordsOf(cluster);
    for (const member of cluster.members) {
      const nodeId = nodeOfMember(member);
      if (nodeId === undefined || !roster.has(nodeId)) this.#world.fail(`a member of unknown key stays: ${member.name || member.peerUrl}`);
    }
  }

  #quorum(cluster: Cluster): boolean {
    const { voters } = cluster;
    return voters.filter((member) => this.#isAlive(cluster, member)).length >= quorumOf(voters.length);
  }

  /** It runs, or did a moment ago. */
  #isAlive(cluster: Cluster, member: Member): boolean {
    return this.#world.hosts.some((host) => {
      const memberOf = host.etcd?.memberId === member.id || host.disk.data?.memberId === member.id;
      const isOn = host.etcd !== undefined && this.#world.isOn(host);
      return memberOf && host.disk.data?.clusterId === cluster.id && (isOn || this.#world.nowMs - host.crashedAtMs <= GRACE_MS);
    });
  }
}

function isSettling({ agent }: Host): boolean {
  return agent?.joiner.phase.kind === "looking" || agent?.joiner.phase.kind === "founding";
}
