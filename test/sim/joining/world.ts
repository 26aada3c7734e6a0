// A simulated neighbourhood: its computers, the network between them, and the etcd clusters that they make.
import { keys } from "../../../src/api/keys.ts";
import { memberOf } from "../../../src/joining/house-view.ts";
import type { Membership } from "../../../src/joining/joiner-state.ts";
import type { Admission, Fitness, Message } from "../../../src/joining/messages.ts";
import { SeededRandom } from "../../fakes/clock.ts";
import { SimulationFailure } from "../world.ts";
import { Cluster, type Member } from "./cluster.ts";
import { Driver, votersOf } from "./driver.ts";
import { Host, type People } from "./host.ts";
import { Invariants } from "./invariants.ts";
import { Network } from "./network.ts";
import type { Parts, StewardStep } from "./parts.ts";
import { Timeline } from "./timeline.ts";

const BEAT_MS = 500;
const EPOCH_ASKED_MS = 3_000;
const TRACE_LINES_MAX = 120;

export interface Sent {
  readonly message: Message;
  readonly sentAtMs: number;
}

export class World {
  readonly time = new Timeline();
  readonly random: SeededRandom;
  readonly network: Network;
  readonly hosts: Host[] = [];
  readonly clusters = new Map<string, Cluster>();
  readonly invariants: Invariants;
  readonly parts: Parts;
  readonly driver: Driver;
  readonly tailnet: "running" | "absent";
  replaceAfterMs = 60_000;
  /** Of a change of the members: the answer, or the request, is lost. */
  lostAnswers = 0;
  /** The machine dies right after a change of the members took effect. */
  crashAfterChange = 0;
  /** The machine freezes between a decision and its being carried out. */
  freezeBeforeChange = 0;
  /** Hears of each change that took effect. */
  afterStep: ((host: Host, step: StewardStep) => void) | undefined;
  tell: ((line: string) => void) | undefined;
  readonly #removed = new Map<string, Cluster>();
  readonly #lines: string[] = [];
  #hash = 0;

  constructor(seed: number, parts: Parts) {
    this.random = new SeededRandom(seed);
    this.network = new Network(this.random.fork());
    this.tailnet = this.random.pick(["running", "absent"] as const);
    this.parts = parts;
    this.invariants = new Invariants(this);
    this.driver = new Driver(this);
    this.#beat();
  }

  get nowMs(): number {
    return this.time.nowMs;
  }

  addHost(people: People = "ours", fitness?: Fitness): Host {
    const { random } = this;
    const made: Fitness = {
      link: random.pick(["wired", "wired", "wireless"] as const),
      battery: random.chance(0.2),
      fsyncP99Ms: random.pick([3, 80]),
    };
    const host = new Host({ index: this.hosts.length, people, random: random.fork(), fitness: fitness ?? made });
    this.hosts.push(host);
    return host;
  }

  run(ms: number): void {
    this.time.runUntil(this.nowMs + ms, () => this.invariants.check());
  }

  /** True as soon as it holds; false: not within the time. */
  runUntil(holds: () => boolean, withinMs: number): boolean {
    for (const endMs = this.nowMs + withinMs; this.nowMs < endMs; this.run(BEAT_MS)) if (holds()) return true;
    return holds();
  }

  // ---------------------------------------------------------------- computers

  /** `fossora node remove`: out of the roster; when its member is gone, too, its certificate is worth nothing any more. */
  remove(host: Host, cluster: Cluster): void {
    this.say(host, "is removed by a person");
    this.#removed.set(host.disk.nodeId, cluster);
    cluster.commit({ compare: [], writes: [{ delete: keys.houseNode(host.disk.nodeId) }, { delete: keys.queued(host.disk.nodeId) }] });
  }

  isRemoved({ disk }: Host): boolean {
    const cluster = this.#removed.get(disk.nodeId);
    return cluster !== undefined && memberOf(cluster.members, disk.nodeId) === undefined;
  }

  isOn(host: Host): boolean {
    return host.agent !== undefined && host.frozenUntilMs <= this.nowMs;
  }

  start(host: Host): void {
    if (host.agent !== undefined) return;
    host.boot += 1;
    host.bornAtMs = this.nowMs;
    host.frozenUntilMs = 0;
    this.say(host, `starts${host.disk.membership === undefined ? "" : " with its disk"} as ${host.disk.nodeId.slice(0, 4)}`);
    this.invariants.onStart(host);
    host.newAgent(this.parts.newJoiner(host.clock(this.nowMs), host.disk.membership, host.disk.left));
    // It asks those that it knows for the epoch before its store starts.
    const asksMs = host.disk.members.some((each) => each !== host.address) ? EPOCH_ASKED_MS : 0;
    if (host.disk.data !== undefined) this.later(host, asksMs + this.random.int(200, 800), () => this.#restartEtcd(host));
    this.driver.begin(host);
  }

  crash(host: Host): void {
    if (host.agent === undefined) return;
    this.say(host, "loses power");
    host.boot += 1;
    host.agent = undefined;
    host.etcd = undefined;
    host.crashedAtMs = this.nowMs;
  }

  freeze(host: Host, ms: number): void {
    this.say(host, `freezes for ${ms} ms`);
    host.frozenUntilMs = this.nowMs + ms;
    host.crashedAtMs = this.nowMs;
  }

  /** Something that happens on this host unless it crashes before; while it is frozen it waits. */
  later(host: Host, ms: number, run: () => void): void {
    const { boot } = host;
    this.time.after(ms, () => {
      if (host.boot !== boot) return;
      if (host.frozenUntilMs > this.nowMs) this.later(host, host.frozenUntilMs - this.nowMs, run);
      else run();
    });
  }

  linked(a: number, b: number): boolean {
    return this.network.linked(a, b);
  }

  // ---------------------------------------------------------------- messages

  send(from: Host, to: readonly string[], message: Message): void {
    const [first] = to;
    if (first === undefined) return;
    const sentAtMs = this.nowMs;
    for (const delayMs of this.network.delaysMs()) this.time.after(delayMs, () => this.#deliver(from, to, { message, sentAtMs }));
  }

  #deliver(from: Host, to: readonly string[], sent: Sent): void {
    const host = this.hosts.find(({ address }) => to.includes(address));
    if (host === undefined || !this.linked(from.index, host.index)) return;
    if (host.agent === undefined && host.refuses) this.turnAway(from, host);
    if (this.isOn(host)) this.driver.receive(host, from, sent);
  }

  turnAway(from: Host, { address }: Host): void {
    for (const delayMs of this.network.delaysMs())
      this.later(from, delayMs, () => this.driver.hear(from, { kind: "nobody there", address }));
  }

  // ---------------------------------------------------------------- etcd

  clusterOf(host: Host): Cluster | undefined {
    const { membership } = host.disk;
    return membership && this.clusters.get(membership.clusterId);
  }

  hostOf(cluster: Cluster, member: Member): number | undefined {
    for (const host of this.hosts)
      if (host.etcd?.memberId === member.id && host.etcd.clusterId === cluster.id && host.peerUrl === member.peerUrl && this.isOn(host))
        return host.index;
    return undefined;
  }

  runsOn(cluster: Cluster, { id }: Member): number | undefined {
    return this.hosts.find((host) => host.etcd?.memberId === id && host.etcd.clusterId === cluster.id && this.isOn(host))?.index;
  }

  /** Its agent gets an answer of the store: of its own, as a voter's, or of a voter where it looks for one. */
  isServed(host: Host, cluster: Cluster): boolean {
    if (!cluster.serves(host.index)) return false;
    const { hosts, voters } = host.disk;
    const house = { id: cluster.houseId, epoch: cluster.epoch };
    const heard = this.parts.heardVoters(host.agent?.joiner.peers ?? new Map(), { house, voters });
    const known = new Set([...hosts, ...heard]);
    return cluster.voters.some((member) => {
      const at = this.hosts[this.runsOn(cluster, member) ?? -1];
      return at === host || (at !== undefined && this.linked(host.index, at.index) && known.has(at.address));
    });
  }

  /** Who votes, and where. */
  voterHosts(cluster: Cluster): readonly string[] {
    return cluster.voters.flatMap((member) => this.hosts[this.runsOn(cluster, member) ?? -1]?.address ?? []);
  }

  /** `fossora takeover` on a standby: the house goes on from its copy, under a higher epoch. */
  takeOver(host: Host): void {
    const before = this.clusterOf(host);
    if (before === undefined || host.etcd === undefined) return;
    this.say(host, "takes the house over");
    const cluster = this.#newCluster(before.houseId, before.epoch + 1);
    cluster.hasObjects = before.hasObjects;
    for (const [key, value] of before.store) cluster.store.set(key, value);
    cluster.revision = before.revision;
    const { memberName } = host.etcd;
    const node = this.driver.nodeOf(host);
    const own = JSON.stringify({ ...node, request: { ...node.request, memberName } });
    cluster.commit({ compare: [], writes: [{ put: keys.houseNode(node.nodeId), value: own }] });
    const member = cluster.found(memberName, host.peerUrl, this.nowMs);
    const membership = { houseId: cluster.houseId, epoch: cluster.epoch, clusterId: cluster.id, memberId: member.id };
    Object.assign(host.disk, { membership, data: { clusterId: cluster.id, memberId: member.id, memberName }, voters: votersOf(cluster) });
    this.crash(host);
    this.start(host);
  }

  found(host: Host): void {
    this.later(host, this.random.int(100, 800), () => {
      const cluster = this.#newCluster(`house${this.clusters.size + 1}`, 0);
      const member = cluster.found(host.memberName, host.peerUrl, this.nowMs);
      host.disk.data = { clusterId: cluster.id, memberId: member.id, memberName: member.name };
      host.etcd = host.disk.data;
      this.say(host, `founded ${cluster.houseId}`);
      this.invariants.onFounded(host, cluster.id);
      this.driver.founded(host, cluster, member);
    });
  }

  #newCluster(houseId: string, epoch: number): Cluster {
    const processes = {
      hostOf: (cluster: Cluster, member: Member) => this.hostOf(cluster, member),
      runsOn: (cluster: Cluster, member: Member) => this.runsOn(cluster, member),
      linked: (a: number, b: number) => this.linked(a, b),
    };
    const id = `c${this.clusters.size + 1}`;
    const cluster = new Cluster({ id, houseId, epoch, processes, random: this.random.fork() });
    this.clusters.set(id, cluster);
    return cluster;
  }

  /** With the letter that comes with an admission. */
  enter(host: Host, admission: Admission): void {
    const cluster = this.clusters.get(admission.clusterId);
    if (cluster !== undefined) Object.assign(host.disk, { hosts: this.voterHosts(cluster), peerUrl: undefined });
    if (admission.role === "learner") this.startJoiner(host, admission);
  }

  /** A joiner whose list of members is not exactly the present one exits. */
  startJoiner(host: Host, admission: Admission): void {
    if (host.broken) return;
    this.later(host, this.random.int(100, 1_500), () => {
      const cluster = this.clusters.get(admission.clusterId);
      const listed = admission.initialCluster.map(({ peerUrl }) => peerUrl).sort();
      const present = cluster?.members.map(({ peerUrl }) => peerUrl).sort() ?? [];
      const mine = cluster?.members.find(({ peerUrl }) => peerUrl === host.peerUrl);
      const phase = host.agent?.joiner.phase;
      if (phase?.kind !== "starting" || phase.admission !== admission) return;
      const reachable = cluster?.serves(host.index) === true;
      if (cluster === undefined || mine === undefined || mine.name !== "" || !reachable || listed.join() !== present.join()) {
        this.say(host, `its etcd ends: ${listed.join()} listed, ${present.join()} there`);
        return this.driver.hear(host, { kind: "etcd-ended", reason: "failed" });
      }
      host.disk.data = { clusterId: cluster.id, memberId: mine.id, memberName: admission.memberName };
      host.disk.voters = votersOf(cluster);
      this.#runEtcd(host);
    });
  }

  /** Its data is damaged, say, or its disk is full: it ends at each start, and its agent lives on. */
  endStore(host: Host): void {
    if (host.etcd === undefined) return;
    this.say(host, "its etcd ends");
    host.broken = true;
    host.etcd = undefined;
    host.storeEndedAtMs = this.nowMs;
    this.driver.hear(host, { kind: "etcd-ended", reason: "failed" });
  }

  mendStore(host: Host): void {
    host.broken = false;
    if (host.agent !== undefined && host.etcd === undefined) this.#restartEtcd(host);
  }

  #restartEtcd(host: Host): void {
    if (!host.broken) this.#runEtcd(host);
  }

  #runEtcd(host: Host): void {
    const { data } = host.disk;
    if (data === undefined) return;
    host.etcd = data;
    this.driver.hear(host, { kind: "etcd-runs", clusterId: data.clusterId, memberId: data.memberId });
  }

  archive(host: Host): void {
    if (host.disk.data !== undefined) this.say(host, "sets its data aside");
    host.etcd = undefined;
    host.disk.data = undefined;
    host.disk.installId += 1;
  }

  keep(host: Host, membership: Membership | undefined): void {
    host.disk.membership = membership;
    if (membership !== undefined) host.disk.left = undefined;
    if (membership === undefined) host.disk.house = undefined;
  }

  #beat(): void {
    this.time.after(BEAT_MS, () => {
      for (const cluster of this.clusters.values()) this.#beatOf(cluster);
      this.#beat();
    });
  }

  #beatOf(cluster: Cluster): void {
    cluster.beat(this.nowMs);
    for (const host of this.hosts) {
      const { etcd } = host;
      if (etcd?.clusterId !== cluster.id || !cluster.serves(host.index) || !this.isOn(host)) continue;
      const member = cluster.member(etcd.memberId);
      if (member !== undefined) member.name = etcd.memberName;
      else this.#wasRemoved(host);
    }
  }

  /** A removed member hears of it and ends. */
  #wasRemoved(host: Host): void {
    this.say(host, "its etcd was removed from the cluster");
    host.etcd = undefined;
    this.later(host, 0, () => this.driver.hear(host, { kind: "etcd-ended", reason: "removed" }));
  }

  // ---------------------------------------------------------------- what happened

  say(host: Host | undefined, what: string): void {
    const line = `${(this.nowMs / 1000).toFixed(3).padStart(9)} ${(host?.name ?? "").padEnd(4)} ${what}`;
    for (let at = 0; at < line.length; at += 7) this.#hash = (Math.imul(this.#hash, 31) + line.charCodeAt(at)) | 0;
    this.tell?.(line);
    this.#lines.push(line);
    if (this.#lines.length > 2 * TRACE_LINES_MAX) this.#lines.splice(0, TRACE_LINES_MAX);
  }

  fail(what: string): never {
    throw new SimulationFailure(what);
  }

  lastLines(): string {
    return this.#lines.slice(-TRACE_LINES_MAX).join("\n");
  }

  fingerprint(): number {
    return this.#hash;
  }
}
