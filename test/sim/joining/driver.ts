// The edge of a simulated agent: it hands events to the pure parts and carries out what they answer, as the real agent does on sockets and etcd.
import { STEP_ANSWER_MAX_MS, type StewardStep } from "../../../src/joining/admission.ts";
import { keys } from "../../../src/api/keys.ts";
import { memberAddresses } from "../../../src/joining/broadcast.ts";
import { movedNode, tryAnother, type DoorView } from "../../../src/joining/door.ts";
import { nodeOfMember, type HouseNode } from "../../../src/joining/house-view.ts";
import type { Here, JoinerEffect, JoinerEvent } from "../../../src/joining/joiner-state.ts";
import { PROTOCOL, type HouseState, type JoinTrust, type Message, type Trust } from "../../../src/joining/messages.ts";
import { readMessage } from "../../../src/joining/parse-message.ts";
import { speaksFor } from "../../../src/joining/two-houses.ts";
import { queueChange } from "../../../src/joining/store-change.ts";
import { answered, hear, look } from "../../../src/joining/steward-memory.ts";
import type { Cluster, Member } from "./cluster.ts";
import type { Host } from "./host.ts";
import { stepEffect } from "./steps.ts";
import { recordsOf } from "./store.ts";
import { viewOf } from "./view.ts";
import type { Sent, World } from "./world.ts";

const TICK_MS = 1_000;
const PARSED_EACH = 16;

export class Driver {
  readonly #world: World;
  #received = 0;

  constructor(world: World) {
    this.#world = world;
  }

  begin(host: Host): void {
    const tick = (): void => {
      if (host.people === "stranger") this.#intrude(host);
      else this.#tick(host);
      this.#world.later(host, TICK_MS, tick);
    };
    this.#world.later(host, this.#world.random.int(1, TICK_MS), tick);
  }

  #tick(host: Host): void {
    // A person on the other side has typed `fossora join`.
    if (host.people === "guest")
      host.wish = host.disk.membership === undefined ? this.#world.hosts.filter(isOurs).map(({ address }) => address) : undefined;
    this.hear(host, { kind: "tick" });
    this.#member(host);
  }

  /** It asks whoever is there, whether they talk to it or not. */
  #intrude(host: Host): void {
    const { request } = this.#here(host);
    for (const { address } of this.#world.hosts.filter(isOurs))
      this.#world.send(host, [address], { protocol: PROTOCOL, kind: "join", from: host.sender(), request });
  }

  hear(host: Host, event: JoinerEvent): void {
    const { agent } = host;
    if (agent === undefined) return;
    const before = agent.joiner.phase;
    const { joiner, effects } = this.#world.parts.step(agent.joiner, event, this.#here(host));
    agent.joiner = joiner;
    // It takes the certificates of the one that it asks.
    if (joiner.phase.kind === "asking" && joiner.phase.house.id !== host.disk.home) host.disk.home = undefined;
    if (joiner.phase.kind === "looking") agent.lookingSinceMs = joiner.phase.sinceMs;
    if (joiner.phase.kind !== before.kind) this.#world.say(host, `${before.kind} -> ${joiner.phase.kind}`);
    this.#world.invariants.onEvent(host, event, { effects, before });
    for (const effect of effects) this.#carryOut(host, effect);
  }

  receive(host: Host, from: Host, sent: Sent): void {
    this.#received += 1;
    const message = this.#received % PARSED_EACH === 0 ? readMessage(JSON.stringify(sent.message)) : sent.message;
    if (host.people === "stranger") return this.#answerAsIntruder(host, from, message);
    const trust = this.#trust(host, from);
    if (trust === "refused" && message.kind === "hello") this.#refuse(host, from, message.from.house);
    this.#world.invariants.onHeard(host, from, { ...sent, trust });
    this.hear(host, { kind: "heard", message, from: from.address, trust });
    const { agent } = host;
    if (agent === undefined || host.disk.membership === undefined) return;
    if (message.kind === "join") this.#door(host, from, message);
    if (message.kind === "moved") this.#moved(host, from, message);
    if (message.kind === "present" || message.kind === "started") agent.memory = hear(agent.memory, message, host.clock(this.#world.nowMs));
  }

  /** Who was removed while it was off is told so by whoever is of its house. */
  #refuse(host: Host, from: Host, theirs: HouseState | undefined): void {
    const world = this.#world;
    const { membership } = host.disk;
    const tells = membership !== undefined && world.isRemoved(from) && !world.isRemoved(host);
    if (!tells || theirs === undefined || !speaksFor({ ...membership, id: membership.houseId }, theirs)) return world.turnAway(from, host);
    for (const delayMs of world.network.delaysMs()) world.later(from, delayMs, () => this.hear(from, { kind: "was removed" }));
  }

  #answerAsIntruder(host: Host, from: Host, message: Message): void {
    const { request, wall } = this.#here(host);
    if (message.kind === "request-admission")
      this.#world.send(host, [from.address], {
        protocol: PROTOCOL,
        kind: "present",
        from: host.sender(),
        request,
        dataDirEmpty: true,
        wall,
      });
  }

  /** Who belongs to the house has its certificate, or has it no more; whom a person named is believed. */
  #trust(host: Host, from: Host): Trust {
    const trust = this.#world.isRemoved(host) || this.#world.isRemoved(from) ? "refused" : host.trusts(from);
    if (trust !== "needs approval") return trust;
    const phase = host.agent?.joiner.phase;
    const asked = phase?.kind === "asking" || phase?.kind === "starting" ? phase.house.id : undefined;
    const cluster = this.#world.clusterOf(host) ?? [...this.#world.clusters.values()].findLast(({ houseId }) => houseId === asked);
    const isMember = cluster?.store.has(keys.houseNode(from.disk.nodeId)) === true;
    return isMember || (host.wish !== undefined && isOurs(from)) ? "trusted" : trust;
  }

  #joinTrust(host: Host, from: Host, cluster: Cluster): JoinTrust {
    const trust = this.#trust(host, from);
    return trust === "needs approval" && cluster.approved.has(from.disk.nodeId) ? "approved" : trust;
  }

  founded(host: Host, cluster: Cluster, member: Member): void {
    const node = this.nodeOf(host);
    cluster.commit({ compare: [], writes: [{ put: keys.houseNode(node.nodeId), value: JSON.stringify(node) }] });
    const house = {
      id: cluster.houseId,
      epoch: cluster.epoch,
      clusterId: cluster.id,
      nodes: 1,
      hasObjects: false,
      joining: "auto",
    } as const;
    host.disk.house = house;
    host.disk.members = [host.address];
    this.hear(host, { kind: "founded", house, clusterId: cluster.id, memberId: member.id });
  }

  nodeOf(host: Host): HouseNode {
    const { nodeId, name, addresses, versions } = host.sender();
    return { nodeId, name, addresses, versions, request: this.#here(host).request, role: "auto" };
  }

  #here(host: Host): Here {
    const world = this.#world;
    const cluster = world.clusterOf(host);
    const houseIsFresh = cluster !== undefined && world.isServed(host, cluster);
    if (cluster !== undefined && houseIsFresh && host.disk.house?.nodes === 1) this.#refresh(host, cluster);
    return {
      nowMs: host.clock(world.nowMs),
      self: host.sender(),
      request: { peerUrl: host.peerUrl, memberName: host.memberName, machine: host.machine, fitness: host.fitness },
      candidates: world.hosts.filter((other) => other !== host).map(({ address }) => address),
      online: this.#online(host),
      tailnet: world.tailnet,
      alone: host.disk.house === undefined && world.hosts.every((other) => other === host || host.trusts(other) !== "trusted"),
      members: host.disk.members,
      voters: host.disk.voters,
      ...(host.disk.membership === undefined && host.disk.home !== undefined && { home: host.disk.home }),
      houseIsFresh,
      wall: "2026-01-01T00:00:00Z",
      ...(host.wish !== undefined && { wish: { addresses: host.wish } }),
    };
  }

  /** A tailnet knows who has power, and nothing of what lies between two of them. */
  #online(host: Host): readonly string[] {
    const { tailnet, hosts } = this.#world;
    const isPowered = ({ agent, refuses }: Host): boolean => agent !== undefined || refuses;
    if (tailnet !== "running") return [];
    return hosts.filter((other) => other !== host && isPowered(other) && host.trusts(other) === "trusted").map(({ address }) => address);
  }

  #carryOut(host: Host, effect: JoinerEffect): void {
    const world = this.#world;
    switch (effect.kind) {
      case "send":
        return world.send(host, effect.to, effect.message);
      case "found":
        return world.found(host);
      case "archive":
        return world.archive(host);
      case "start":
        return world.enter(host, effect.admission);
      case "keep":
        return world.keep(host, effect.membership);
      case "remember":
        host.disk.left = effect.left;
        return undefined;
      case "count out":
        host.disk.home = undefined;
        return undefined;
      case "forget":
        return world.keep(host, undefined);
      case "say":
        return world.say(host, `"${effect.text}"`);
    }
  }

  // ---------------------------------------------------------------- a node of the house

  #member(host: Host): void {
    const cluster = this.#world.clusterOf(host);
    if (cluster === undefined || host.agent === undefined) return;
    const isServed = this.#world.isServed(host, cluster);
    if (isServed) this.#refresh(host, cluster);
    this.#sayWhereItIs(host, isServed);
    if (isServed) this.#steward(host, cluster);
  }

  #sayWhereItIs(host: Host, isServed: boolean): void {
    const { peerUrl, disk } = host;
    if (disk.peerUrl === undefined || disk.peerUrl === peerUrl) return;
    const moved = { protocol: PROTOCOL, kind: "moved", from: host.sender(), peerUrl } as const;
    if (isServed) return this.#moved(host, host, moved);
    for (const to of disk.members) this.#world.send(host, [to], moved);
  }

  /** What it knows of its house when the store will not answer. */
  #refresh(host: Host, cluster: Cluster): void {
    const { roster } = recordsOf(cluster);
    host.disk.members = memberAddresses({ roster });
    host.disk.voters = votersOf(cluster);
    host.disk.hosts = this.#world.voterHosts(cluster);
    host.disk.peerUrl = roster.get(host.disk.nodeId)?.request.peerUrl;
    host.disk.home = cluster.hasObjects && roster.has(host.disk.nodeId) ? cluster.houseId : undefined;
    host.disk.house = {
      id: cluster.houseId,
      epoch: cluster.epoch,
      clusterId: cluster.id,
      nodes: Math.max(roster.size, cluster.members.length),
      hasObjects: cluster.hasObjects,
      joining: "auto",
    };
  }

  #door(host: Host, from: Host, join: Extract<Message, { kind: "join" }>): void {
    const world = this.#world;
    const cluster = world.clusterOf(host);
    const answer = (message: Message): void => world.send(host, [from.address], message);
    if (cluster === undefined || !world.isServed(host, cluster))
      return answer(tryAnother({ self: host.sender(), members: host.disk.members }));
    const { entries, roster } = recordsOf(cluster);
    const view: DoorView = {
      self: host.sender(),
      entries,
      roster,
      joining: "auto",
      clusterVersion: "3.7.3",
      members: host.disk.members,
    };
    const opened = world.parts.openDoor(view, join, this.#joinTrust(host, from, cluster));
    const { change } = opened;
    if (opened.answer.verdict === "waits for approval") cluster.waiting.add(join.from.nodeId);
    if (change === undefined) return answer(opened.answer);
    world.later(host, world.network.delayMs(), () => {
      if (!world.isServed(host, cluster)) return answer(tryAnother({ self: host.sender(), members: host.disk.members }));
      const committed = cluster.commit(queueChange(change));
      world.say(host, `queues ${from.name}: ${committed}`);
      answer(committed ? opened.answer : tryAnother({ self: host.sender(), members: host.disk.members }));
    });
  }

  #moved(host: Host, from: Host, moved: Extract<Message, { kind: "moved" }>): void {
    const cluster = this.#world.clusterOf(host);
    if (cluster === undefined || !this.#world.isServed(host, cluster)) return;
    const key = keys.houseNode(moved.from.nodeId);
    const there = cluster.store.get(key);
    if (there === undefined) return;
    const node = movedNode(new Map([[moved.from.nodeId, JSON.parse(there.value) as HouseNode]]), moved, this.#trust(host, from));
    if (node !== undefined)
      cluster.commit({ compare: [{ key, modRevision: there.modRevision }], writes: [{ put: key, value: JSON.stringify(node) }] });
  }

  // ---------------------------------------------------------------- beside the leader

  #steward(host: Host, cluster: Cluster): void {
    const { agent } = host;
    const world = this.#world;
    if (agent === undefined) return;
    if (host.etcd === undefined || cluster.leader?.id !== host.etcd.memberId) {
      agent.leadsSinceMs = undefined;
      return;
    }
    const view = viewOf(world, host, cluster);
    if (view === undefined) return;
    agent.memory = look(agent.memory, view, "");
    const { message, to } = world.parts.broadcast(view, host.sender());
    for (const addresses of to) world.send(host, addresses, message);
    const admit = world.parts.admit(view);
    if (admit !== undefined)
      world.send(host, admit.to, {
        protocol: PROTOCOL,
        kind: "admitted",
        from: host.sender(),
        admission: admit.admission,
        credentials: "",
      });
    if (agent.busy) return;
    const step = world.parts.planSteward(view, agent.memory);
    if (step !== undefined) this.#take(host, cluster, step);
  }

  /** Sent now, done a little later, answered later still or not at all. */
  #take(host: Host, cluster: Cluster, step: StewardStep): void {
    const world = this.#world;
    const { agent, boot } = host;
    if (agent === undefined) return;
    agent.busy = true;
    world.say(host, `step ${JSON.stringify(step).slice(0, 150)}`);
    const decidedAtMs = world.nowMs;
    const done = (answer: ReturnType<typeof stepEffect>): void =>
      world.later(host, answer === "unknown" ? STEP_ANSWER_MAX_MS : world.network.delayMs(), () => {
        agent.busy = false;
        if (answer !== "done") world.say(host, `answer: ${answer}`);
        if (step.kind === "add-learner") agent.memory = answered(agent.memory, answer, host.clock(world.nowMs));
        if (answer === "done") this.#member(host);
      });
    if (world.random.chance(world.freezeBeforeChange)) world.freeze(host, world.random.int(500, 20_000));
    world.later(host, world.random.int(0, 50), () => {
      if (world.nowMs - decidedAtMs > world.parts.stepAgeMaxMs) return done("unknown");
      // On the wire: it may arrive although the sender dies.
      world.time.after(world.network.delayMs(), () => {
        const answer = cluster.serves(host.index) ? stepEffect(world, { host, cluster, step }) : "unknown";
        if (answer === "done") world.afterStep?.(host, step);
        const crashes = answer === "done" && isChange(step) && world.random.chance(world.crashAfterChange);
        if (host.boot !== boot) return;
        done(world.random.chance(world.lostAnswers) ? "unknown" : answer);
        if (crashes) world.crash(host);
      });
    });
  }
}

function isOurs({ people }: Host): boolean {
  return people === "ours";
}

export function votersOf({ voters }: Cluster): readonly string[] {
  return voters.flatMap((member) => nodeOfMember(member) ?? []);
}

function isChange({ kind }: StewardStep): boolean {
  return kind !== "drop" && kind !== "postpone";
}
