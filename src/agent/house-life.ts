// What runs on a node for as long as it belongs to one house: its copy of the store, its lease, its engine and what that hands to the
// ingress. Made anew with each membership; the containers and the ingress live on.
import type { DockerContainers } from "../adapters/dockerode/containers.ts";
import type { Endpoint } from "../adapters/gossip/socket.ts";
import type { IngressClient } from "../adapters/ingress-client/client.ts";
import { checkProbe } from "../adapters/system/check.ts";
import { systemRandom } from "../adapters/system/clock.ts";
import { killContainerProcesses } from "../adapters/system/container-processes.ts";
import { BackgroundJobs } from "../adapters/system/jobs.ts";
import { NodeProbes } from "../adapters/system/probes.ts";
import { noSecrets } from "../adapters/system/secrets.ts";
import { LEASE_TTL_MS } from "../api/fence-times.ts";
import { keys, PREFIX } from "../api/keys.ts";
import type { Kind, NodeName } from "../api/resource.ts";
import type { DecidedMembership } from "../api/state.ts";
import type { IngressStatus } from "../api/table.ts";
import type { Change, Ports } from "../engine/contract.ts";
import { Engine } from "../engine/engine.ts";
import { StoreMirror } from "../engine/mirror.ts";
import { OwnWord } from "../engine/own-word.ts";
import { runnable } from "../engine/runnable.ts";
import { houseFacts, type HouseFacts } from "../joining/house-facts.ts";
import { contactToPassOn } from "../liveness/fence.ts";
import type { SignOfLife } from "../mesh-ports.ts";
import type { Addresses, Clock, Identity, Lease, LocalVolumes, Log, Store, System, Write } from "../ports.ts";
import type { Foresight, NodePorts, ServerPorts } from "../server/ports.ts";
import { eachController } from "../../controllers/index.ts";
import { recordDeath } from "./death.ts";
import { EventWriter } from "./event-writer.ts";
import { FenceKeeper } from "./fence.ts";
import { DEFAULT_ZONE } from "./found.ts";
import { NodeForesight } from "./foresight.ts";
import { CopyKeeper, readCopy, type CopyOwner } from "./house-copy.ts";
import { leavingNodes, wishedSettings } from "./house-wishes.ts";
import { collectGarbage, whenQuiet } from "./idle-collection.ts";
import { GossipKey } from "./gossip-key.ts";
import type { HouseSettings } from "./joining/house-settings.ts";
import { LivenessKeeper } from "./liveness.ts";
import { InstanceMover } from "./mover.ts";
import { Publisher } from "./publisher.ts";
import type { QuorumControl } from "./quorum-control.ts";
import { NodeStatusReader } from "./status-reader.ts";

/** A node of the house, alive or not; this one, too. */
export interface RosterNode {
  readonly nodeId: string;
  readonly name: NodeName;
  /** Of its agent, best first. */
  readonly endpoints: readonly Endpoint[];
}

export interface HouseLifeOptions {
  readonly dataDir: string;
  /** Whose life it is: a copy on the disk of any other is not believed. */
  readonly owner: CopyOwner;
  readonly roster: () => readonly RosterNode[];
  readonly sendSign: (sign: SignOfLife, to: readonly Endpoint[]) => void;
  /** Nothing more should be asked of them, until it is told otherwise. */
  readonly onSilent: (nodeIds: readonly string[]) => void;
  /** Since the start of this machine, ms. */
  readonly bootedMs: () => number;
  readonly store: Store;
  /** Who belongs to the house, or wants to, may be another. */
  readonly onHouseChange: () => void;
  /** What this node said in its former life in the same house, without quorum. */
  readonly said: readonly Write[];
  /** Who votes, as last known. */
  readonly voters: () => readonly string[];
  readonly identity: Identity;
  readonly containers: DockerContainers;
  /** Another connection to the same engine, for what must be ended whatever else it is busy with. */
  readonly killer: Pick<DockerContainers, "kill">;
  readonly addresses: Addresses;
  readonly volumes: LocalVolumes;
  readonly system: System;
  readonly ingress: IngressClient;
  /** What it last said; undefined: nothing yet. */
  readonly ingressStatus: IngressStatus | undefined;
  readonly clock: Clock;
  readonly log: Log;
}

const INGRESS_LIMIT_MS = 5_000;
const PING_LIMIT_MS = 900;
/** Between two looks whether the store has another key, if anything was written at all; the former one is good for twice as long. */
const KEY_EVERY_MS = 5_000;
const OBJECT_KINDS: readonly Kind[] = ["House", "Membership", "Service", "Route", "DnsRecord"];

export class HouseLife {
  readonly #options: HouseLifeOptions;
  readonly #mirror: StoreMirror;
  readonly #ownWord: OwnWord;
  readonly #copyKeeper: CopyKeeper;
  /** Of the copy on the disk, when this life began. */
  readonly #keptAtMs: number | undefined;
  readonly #publisher: Publisher;
  readonly #probes: NodeProbes;
  readonly #ports: Ports;
  readonly #engine: Engine;
  readonly #gossipKey: GossipKey;
  readonly #liveness: LivenessKeeper;
  readonly #foresight: Foresight;
  readonly #lease: Lease;
  readonly #fence: FenceKeeper;
  readonly #ending = new AbortController();
  /** Rejects when it cannot go on. */
  readonly ended: Promise<void>;

  constructor(options: HouseLifeOptions) {
    this.#options = options;
    const { dataDir, owner, store, identity, containers, addresses, volumes, system, voters, clock, log } = options;
    const { signal } = this.#ending;
    const kept = readCopy(dataDir, owner, log);
    this.#keptAtMs = kept?.asOfMs;
    const mirror = new StoreMirror({ store, clock, log, ...(kept && { copy: kept.copy }) });
    this.#mirror = mirror;
    this.#foresight = new NodeForesight(mirror);
    this.#ownWord = new OwnWord({ node: identity.node, store, mirror, log });
    this.#ownWord.goOn(options.said);
    this.#copyKeeper = new CopyKeeper({ dataDir, owner, mirror, clock, log });
    this.#publisher = this.#newPublisher();
    this.#lease = this.#ownWord.lease(LEASE_TTL_MS);
    this.#fence = this.#newFence();
    this.#probes = new NodeProbes({ clock, check: checkProbe, wake: (service) => this.#engine.wake("Service", service) });
    this.#ports = {
      identity,
      mirror,
      store: this.#ownWord,
      lease: this.#lease,
      fence: this.#fence,
      containers,
      probes: this.#probes,
      jobs: new BackgroundJobs({ clock, wake: (kind, name) => this.#engine.wake(kind, name), signal }),
      addresses,
      volumes,
      secrets: noSecrets,
      proxy: this.#publisher,
      system,
      events: new EventWriter({ store, node: identity.node, clock, random: systemRandom, log, signal }),
      // One that has seen nothing yet is alone.
      voters: () => voters().length,
      clock,
      random: systemRandom,
      log,
    };
    this.#engine = new Engine({ controllers: eachController(runnable), mirror, ports: this.#ports });
    if (options.ingressStatus !== undefined) this.#publisher.setStatus(options.ingressStatus);
    this.#gossipKey = new GossipKey(options.dataDir, clock);
    this.#liveness = this.#newLiveness();
    this.ended = this.#run(signal);
  }

  /** Of this house; undefined while this node's copy is not fresh. */
  get facts(): HouseFacts | undefined {
    const mirror = this.#mirror;
    return mirror.fresh ? houseFacts(OBJECT_KINDS.values().flatMap((kind) => mirror.all(kind))) : undefined;
  }

  /** As its House says. */
  get settings(): HouseSettings {
    return wishedSettings(this.#mirror);
  }

  /** Ids of nodes that are drained, or about to stop. */
  get leaving(): ReadonlySet<string> {
    return leavingNodes(this.#mirror);
  }

  /** Parts in the store that people wish for, by the names of the nodes. */
  get roles(): ReadonlyMap<NodeName, "voter" | "standby" | "worker"> {
    const wishes = [...this.#mirror.all("Membership")].map(({ metadata, spec }) => [metadata.name, spec.role] as const);
    return new Map(wishes.flatMap(([name, role]) => (role === "auto" ? [] : [[name, role] as const])));
  }

  /** That signs of life are signed with. */
  get gossipKeys(): readonly Buffer[] {
    return this.#gossipKey.all;
  }

  hear(sign: SignOfLife): void {
    this.#liveness.hear(sign);
  }

  /** For the API, beside what the node itself offers. */
  serverPorts(node: NodePorts, quorum: QuorumControl): ServerPorts {
    const { identity, containers } = this.#options;
    const statusReader = new NodeStatusReader({ node: identity.node, mirror: this.#mirror, engine: this.#engine, jobs: this.#ports.jobs });
    return {
      ...node,
      identity,
      reader: this.#mirror,
      statusReader,
      foresight: this.#foresight,
      mover: new InstanceMover(this.#mirror, this.#options.store),
      store: this.#ownWord,
      containers,
      copyAgeMs: () => this.copyAgeMs(),
      whyNoQuorum: () => quorum.why(),
      takeover: quorum,
      engine: () => this.#engine.counts,
    };
  }

  /** Of the store, as this node's copy has it; undefined: the copy is not fresh. */
  get revision(): number | undefined {
    return this.#mirror.fresh ? this.#mirror.revision : undefined;
  }

  get houseId(): string {
    return this.#options.owner.houseId;
  }

  /** What was said without quorum, and not written yet. */
  get said(): readonly Write[] {
    return this.#mirror.held;
  }

  /** Since the store last answered, in milliseconds; undefined: it answers now, or never has. */
  copyAgeMs(): number | undefined {
    const { clock } = this.#options;
    if (this.#mirror.fresh) return undefined;
    const { answeredAtMs } = this.#mirror;
    if (answeredAtMs !== undefined) return clock.now() - answeredAtMs;
    return this.#keptAtMs === undefined ? undefined : Math.max(0, Date.parse(clock.wall()) - this.#keptAtMs);
  }

  /** Undefined while nothing is decided. */
  get foresight(): Foresight | undefined {
    return this.#mirror.fresh ? this.#foresight : undefined;
  }

  /** This node is another than it has announced, or more nodes vote than before, or fewer: what it promises goes by that. */
  announce(): void {
    for (const kind of ["Membership", "Service"] as const) this.#engine.wakeAll(kind);
  }

  /** Of the ingress: what it listens on may be new. */
  setIngressStatus(status: IngressStatus): void {
    this.#publisher.setStatus(status);
  }

  /** Another ingress has only what was on disk. */
  forgetPublished(): void {
    this.#fence.forgetTold();
    this.#publisher.forgetPublished();
  }

  /** The lease stays: an agent that comes back within its time was never away. Whoever closes the store closes it after this. */
  async close(): Promise<void> {
    this.#ending.abort(new Error("This node leaves the house, or its agent ends"));
    await this.ended.catch(() => undefined); // whoever watches it has heard
  }

  #newPublisher(): Publisher {
    const { identity, ingress, clock, log } = this.#options;
    const limit = (): AbortSignal => AbortSignal.any([this.#ending.signal, AbortSignal.timeout(INGRESS_LIMIT_MS)]);
    return new Publisher({
      node: identity.node,
      mirror: this.#mirror,
      sink: {
        putTable: async (table) => {
          await ingress.putTable(table, limit());
          return ingress.status(limit());
        },
        status: () => ingress.status(limit()),
        busy: () => ingress.busy(limit()),
      },
      clock,
      log,
      defaultZone: DEFAULT_ZONE,
      onListeners: () => {
        for (const kind of ["Membership", "Route", "DnsRecord", "House"] as const) this.#engine.wakeAll(kind);
      },
    });
  }

  /** On an engine connection of its own: others may hang. */
  #newFence(): FenceKeeper {
    const { identity, killer, ingress, clock, log } = this.#options;
    return new FenceKeeper({
      lease: this.#lease,
      key: keys.node(identity.node),
      mirror: this.#mirror,
      kill: (container, signal) => killer.kill(container, signal),
      killProcesses: (containers) => killContainerProcesses(containers),
      tellIngress: (told, signal) => ingress.putFence(told, signal),
      askIngress: (signal) => ingress.fence(signal),
      onOpen: () => this.#engine.wakeAll("Service"),
      clock,
      log,
    });
  }

  /** What this node may tell the ingress of one whose agent is silent. */
  #contactFor(node: NodeName): number | undefined {
    const isDown = this.#mirror.decided<DecidedMembership>("Membership", node)?.value.state === "Down";
    return contactToPassOn({ renewedAtMs: this.#lease.renewedAtMs(), answeredAtMs: this.#mirror.answeredAtMs, isDown });
  }

  #newLiveness(): LivenessKeeper {
    const { identity, roster, voters, sendSign, onSilent, bootedMs, ingress, clock, log } = this.#options;
    const nameOf = (nodeId: string): NodeName | undefined => roster().find((node) => node.nodeId === nodeId)?.name;
    return new LivenessKeeper({
      identity,
      others: () =>
        new Map(roster().flatMap(({ nodeId, endpoints }) => (nodeId === identity.nodeId ? [] : [[nodeId, endpoints] as const]))),
      voters,
      send: sendSign,
      ask: async (nodeId, signal) => {
        const node = nameOf(nodeId) ?? "";
        const answers = await ingress.ping({ node, limitMs: PING_LIMIT_MS, contactAtMs: this.#contactFor(node) }, signal);
        if (!answers) throw new Error("Its ingress does not answer");
      },
      bootedMs,
      onSuspects: (nodeIds) => {
        this.#publisher.setSilent(nodeIds.flatMap((nodeId) => nameOf(nodeId) ?? []));
        onSilent(nodeIds);
      },
      condemn: async (nodeId, signal) => {
        const node = nameOf(nodeId);
        if (node !== undefined) await recordDeath(this.#ports, { node, by: identity.node }, signal);
      },
      clock,
      log,
    });
  }

  /** A removal changes it; no other node would be believed with the old one for long. */
  async #keepGossipKey(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#options;
    let readAt: number | undefined;
    while (!signal.aborted) {
      const { revision } = this;
      try {
        if (revision === undefined || revision !== readAt) await this.#gossipKey.takeOver(store, signal);
        readAt = revision;
      } catch (error) {
        if (!signal.aborted) log.debug("The key for signs of life was not read", { error: String(error) });
      }
      await clock.sleep(KEY_EVERY_MS, signal).catch(() => undefined); // aborted: the loop ends
    }
  }

  async #run(signal: AbortSignal): Promise<void> {
    const publisher = this.#publisher;
    const quiet = whenQuiet(this.#options.clock, collectGarbage);
    const unsubscribe = this.#mirror.subscribe((changes, besides) => {
      if (changes.some(isAboutNodes) || changes.some(isWantedNode) || besides.some(isAboutMembers)) this.#options.onHouseChange();
      if (changes.length > 0) quiet.changed();
      if (publisher.pending || changes.some(isAboutNodes)) publisher.publishSoon();
    });
    try {
      this.#ownWord.run(signal);
      await Promise.all([
        this.#mirror.run(signal),
        this.#copyKeeper.run(signal),
        this.#engine.run(signal),
        this.#followContainers(signal),
        this.#liveness.run(signal),
        this.#fence.run(signal),
        this.#keepGossipKey(signal),
      ]);
    } finally {
      unsubscribe();
      quiet.stop();
      publisher.stop();
      this.#probes.close();
    }
  }

  /** Hints: what Docker says happened wakes its Service, and after each reconnect every Service. */
  async #followContainers(signal: AbortSignal): Promise<void> {
    try {
      for await (const event of this.#options.containers.events(signal)) {
        if (event.service === undefined) for (const kind of ["Service", "Membership"] as const) this.#engine.wakeAll(kind);
        else this.#engine.wake("Service", event.service);
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    }
  }
}

function isWantedNode(change: Change): boolean {
  return change.room === "desired" && change.kind === "Membership";
}

/** The roster, the queue of those who want in, and the like. */
function isAboutMembers(key: string): boolean {
  return key.startsWith(PREFIX.house) || key.startsWith(PREFIX.queue);
}

/** What is in every table beside the rows. */
function isAboutNodes(change: Change): boolean {
  return change.room === "node" || change.kind === "House" || (change.room === "decided" && change.kind === "Membership");
}
