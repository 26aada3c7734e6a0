// What runs on a node for as long as it belongs to a house and its certificates are there: its sight of the house, its door, and the
// queue, which acts beside the etcd leader alone.
import { readFileSync } from "node:fs";
import { Cluster } from "../../adapters/etcd3/cluster.ts";
import type { Credentials } from "../../adapters/etcd3/connect.ts";
import { defragment, MemberStatuses, type MemberStatus } from "../../adapters/etcd3/member.ts";
import { tcpPeers } from "../../adapters/sockets/tcp-peers.ts";
import { systemRandom } from "../../adapters/system/clock.ts";
import { MeshRefusal } from "../../api/errors.ts";
import { keys } from "../../api/keys.ts";
import type { HouseFacts } from "../../joining/house-facts.ts";
import type { HouseNode } from "../../joining/house-view.ts";
import type { JoinerEvent, Membership, Peer } from "../../joining/joiner-state.ts";
import { movedNode } from "../../joining/door.ts";
import { hostsOfUrls } from "../../joining/peer-urls.ts";
import { FOUNDING_TIMING } from "../../joining/timing.ts";
import { PROTOCOL, type Address, type JoinRequest, type Message, type NodeId, type Sender } from "../../joining/messages.ts";
import type { MeshLink, MeshPeer } from "../../mesh-ports.ts";
import { stepNews, type StepNews } from "../../joining/step-news.ts";
import type { Clock, Events, Log, Store } from "../../ports.ts";
import { Approvals } from "../approvals.ts";
import { authorityKey } from "../authority.ts";
import type { AskerTrust } from "../asker-trust.ts";
import { etcdPorts } from "../etcd.ts";
import { EventWriter } from "../event-writer.ts";
import type { Proven } from "../invites.ts";
import { keepLeaves } from "../leaf-keeper.ts";
import { takeOverRemovals } from "../removals.ts";
import { holdAuthority, holdsAuthority, removedNodes, trustFiles } from "../trust.ts";
import { splitAddress } from "./addresses.ts";
import type { NodeAt } from "./courier.ts";
import { Departures } from "./departures.ts";
import { HouseDoor } from "./house-door.ts";
import { HouseSight } from "./house-sight.ts";
import { handOverLead } from "./lead.ts";
import { writeCredentials } from "./letter.ts";
import { RemovedGuests } from "./removed-guests.ts";
import { RoomKeeper } from "./room-keeper.ts";
import { Pulse } from "./pulse.ts";
import { Steward } from "./steward.ts";
import { TimingKeeper } from "./timing-keeper.ts";
import { TimingSteward } from "./timing-steward.ts";

export type Judge = (
  asker: { readonly peer: MeshPeer; readonly proven: Proven },
  house: { readonly store: Store; readonly approvals: Approvals },
  signal: AbortSignal,
) => Promise<AskerTrust>;

export interface InsideOptions {
  readonly dataDir: string;
  readonly membership: Membership;
  /** Client endpoint of the store beside this agent; absent: a worker. */
  readonly localHost?: string;
  readonly etcdVersion: string;
  readonly self: () => Sender;
  readonly request: () => JoinRequest;
  /** Other computers, as they last spoke. */
  readonly peers: () => ReadonlyMap<NodeId, Peer>;
  readonly facts: () => HouseFacts | undefined;
  /** Of the store, as this agent's copy has it; undefined: the copy is not fresh. */
  readonly revision: () => number | undefined;
  readonly replaceAfterMs: () => number;
  /** Nodes that are drained, or about to stop. */
  readonly leaving: () => ReadonlySet<string>;
  /** Parts in the store that people wish for, by the names of the nodes. */
  readonly roles: () => ReadonlyMap<string, HouseNode["role"]>;
  readonly judge: Judge;
  readonly send: (to: readonly Address[], message: Message) => void;
  /** This node's part in the store is another, or more nodes vote than before, or fewer. */
  readonly onStanding: () => void;
  /** They belong to the house no more. */
  readonly onGone: (nodeIds: readonly NodeId[]) => void;
  /** What the store beside this agent says of itself. */
  readonly onEtcd: (event: Extract<JoinerEvent, { kind: "etcd-runs" | "etcd-ended" }>) => void;
  /** A member's own question, and its answer. */
  readonly ask: (to: NodeAt, method: string, body: unknown) => Promise<unknown>;
  readonly dial: (address: Address) => Promise<MeshLink>;
  /** The store beside this agent does not listen on all of this computer's addresses yet. */
  readonly hasMoreAddresses: () => boolean;
  /** Starts the store beside this agent anew if it runs otherwise than its disk says, or in any case. */
  readonly keepStore: (how: { readonly inAnyCase: boolean }) => Promise<unknown>;
  /** Which of this computer's addresses to speak from; absent: what the route says. */
  readonly localAddress?: string;
  /** Of this node, to be in its certificates. */
  readonly addresses: () => readonly string[];
  /** The list of removed nodes has grown, or there are new certificates. */
  readonly onTrust: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const QUIET_MS = 5_000;
const QUIET_ALONE_MS = 15_000;
const STATUS_LIMIT_MS = 1_500;
const ANSWER_MS = 3_000;
const RESTARTED_POLL_MS = 100;

export class Inside {
  readonly sight: HouseSight;
  readonly door: HouseDoor;
  readonly steward: Steward | undefined;
  /** Absent: a worker. */
  readonly timing: TimingKeeper | undefined;
  readonly #options: InsideOptions;
  readonly #cluster: Cluster | undefined;
  readonly #room: RoomKeeper | undefined;
  readonly #statuses: MemberStatuses;
  readonly #pulse: Pulse;
  #removals: string | undefined;
  #signersTried = 0;
  readonly #departures: Departures;
  readonly #events: Events;
  readonly #ending = new AbortController();
  readonly #ended: Promise<unknown>;

  constructor(options: InsideOptions) {
    this.#options = options;
    const { localHost, clock, log, self, judge } = options;
    const credentials = readCredentials(options.dataDir);
    this.#statuses = new MemberStatuses(credentials);
    this.#pulse = new Pulse(clock);
    this.sight = new HouseSight({ ...options, name: () => self().name, credentials, pulse: this.#pulse });
    const { store } = this.sight;
    const approvals = new Approvals({ store, clock });
    const { signal } = this.#ending;
    this.#departures = new Departures({ dataDir: options.dataDir, store, reads: this.sight.reads, sight: this.sight, clock, log });
    this.#events = new EventWriter({ store, node: self().name, clock, random: systemRandom, log, signal });
    this.door = new HouseDoor({
      store,
      sight: this.sight,
      self,
      clusterVersion: options.etcdVersion,
      approvals,
      judge: (peer, proven, each) => judge({ peer, proven }, { store, approvals }, each),
      onAsked: ({ name, address, waits }) =>
        this.#tell({
          name,
          type: waits ? "Warning" : "Normal",
          reason: waits ? "WaitsForApproval" : "Asked",
          message: waits ? `at ${address} waits for a person: fossora node approve ${name}` : `at ${address} asks to be let in`,
        }),
      clock,
      log,
    });
    if (localHost !== undefined) {
      this.#cluster = new Cluster({ host: localHost, credentials });
      this.#room = new RoomKeeper({
        cluster: this.#cluster,
        status: (host, each) => this.memberStatus(host, each),
        defragment: (host, each) => defragment({ host, credentials, signal: each }),
        sight: this.sight,
        clock,
        log,
      });
      this.timing = this.#newTimingKeeper(localHost);
      this.steward = this.#newSteward(localHost, { cluster: this.#cluster, own: this.timing });
    }
    this.#ended = Promise.all([
      this.sight.run(signal),
      this.steward?.run(signal),
      this.timing?.run(signal),
      this.#watch(signal),
      this.#keepLeaves(signal),
    ]);
  }

  /** Who belongs to the house, or wants to, may be another: the store says so. */
  houseChanged(): void {
    this.#pulse.changed();
  }

  /** Somebody has asked here to be let in: if the queue is this node's, it moves at once. */
  asked(): void {
    this.#pulse.changed();
    this.steward?.wake();
  }

  get store(): Store {
    return this.sight.store;
  }

  get membership(): Membership {
    return this.#options.membership;
  }

  /** Of a member of the store at `address:port`. Throws when it does not answer. */
  memberStatus(host: string, signal: AbortSignal): Promise<MemberStatus> {
    return this.#status(host, AbortSignal.any([signal, AbortSignal.timeout(STATUS_LIMIT_MS)]));
  }

  /** False: nobody else could lead. Throws when the store does not answer. */
  async handOverLead(signal: AbortSignal): Promise<boolean> {
    const { localHost, leaving } = this.#options;
    if (localHost === undefined || this.#cluster === undefined) return true;
    const status = (host: string, each: AbortSignal): Promise<MemberStatus> => this.memberStatus(host, each);
    return handOverLead({ cluster: this.#cluster, status, localHost, leaving: leaving() }, signal);
  }

  async close(): Promise<void> {
    this.#ending.abort(new Error("This node leaves, or its agent ends"));
    await this.#ended;
    this.#cluster?.close();
    this.#statuses.close();
  }

  #newTimingKeeper(localHost: string): TimingKeeper {
    const { self, keepStore, dataDir, clock } = this.#options;
    return new TimingKeeper({
      ...this.#options,
      nodeId: self().nodeId,
      store: this.sight.store,
      roster: () => this.sight.records?.roster ?? new Map(),
      guests: new RemovedGuests({ removed: () => removedNodes(dataDir).length, outsiders: () => this.#outsiders(), clock }),
      restart: (how, signal) =>
        this.sight.withoutLocal(async () => {
          await keepStore(how);
          how.onEnded(); // however long the new one takes: nobody does the same again for that
          while (
            (await this.#status(localHost, AbortSignal.any([signal, AbortSignal.timeout(STATUS_LIMIT_MS)])).catch(() => undefined)) ===
            undefined
          )
            await clock.sleep(RESTARTED_POLL_MS, signal);
        }),
    });
  }

  /** Connected to the store beside this agent, from an address that no node of the house has. */
  #outsiders(): readonly string[] | undefined {
    const { dataDir, addresses } = this.#options;
    if (!this.sight.isFresh) return undefined;
    const nodes = [...(this.sight.records?.roster.values() ?? [])];
    const known = nodes.flatMap((node) => [
      ...node.addresses.map((each) => splitAddress(each).address),
      ...hostsOfUrls(node.request.peerUrl),
    ]);
    const insiders = new Set([...known, ...addresses(), "127.0.0.1", "::1"]);
    return tcpPeers(etcdPorts(dataDir).client).filter((each) => !insiders.has(each));
  }

  #newSteward(localHost: string, { cluster, own }: { readonly cluster: Cluster; readonly own: TimingKeeper }): Steward {
    const { self, request, replaceAfterMs, leaving, roles, send, ask, dataDir, clock, log } = this.#options;
    return new Steward({
      store: this.sight.store,
      reads: this.sight.reads,
      cluster,
      status: (host, signal) => this.#status(host, signal),
      localHost,
      self,
      peerUrl: () => request().peerUrl,
      house: () => this.sight.seen.house,
      replaceAfterMs,
      leaving,
      roles,
      credentials: async (admission) => {
        const { clientHosts } = this.sight;
        if (clientHosts.length === 0) throw new Error("The voters have not been seen yet");
        this.sight.admit(admission.nodeId);
        return writeCredentials(dataDir, { hosts: clientHosts, timing: this.sight.records?.timing?.value ?? FOUNDING_TIMING });
      },
      timing: new TimingSteward({ nodeId: self().nodeId, own, ask, clock, log }),
      send,
      isAlone: () => this.sight.isAlone,
      pulse: this.#pulse,
      onStep: (step, view) => {
        const news = stepNews(step, view);
        if (news !== undefined) this.#tell(news);
      },
      clock,
      log,
    });
  }

  #tell(news: StepNews): void {
    this.#events.emit({ kind: "Membership", ...news });
  }

  #status(host: string, signal: AbortSignal): Promise<MemberStatus> {
    return this.#statuses.of(host, signal);
  }

  /** Whose store this is, and whether others still look for this node where it was. */
  async #watch(signal: AbortSignal): Promise<void> {
    const { localHost, onEtcd, log } = this.#options;
    while (!signal.aborted) {
      if (localHost !== undefined) {
        const status = await this.#status(localHost, AbortSignal.any([signal, AbortSignal.timeout(STATUS_LIMIT_MS)])).catch(
          () => undefined, // it starts, or is being started again
        );
        if (status !== undefined) onEtcd({ kind: "etcd-runs", clusterId: status.clusterId, memberId: status.memberId });
        if (status?.leaderId === status?.memberId && status !== undefined) {
          await this.#seeOff(signal);
          await this.#room?.look(status, signal).catch((error: unknown) => {
            if (!signal.aborted) log.warn("No room was made in the store", { error: String(error) });
          });
        }
      }
      if (this.sight.isTakenOut) onEtcd({ kind: "etcd-ended", reason: "removed" });
      await this.#sayWhereItIs(signal);
      await this.#takeOver(signal).catch((error: unknown) => {
        if (!signal.aborted) log.debug("What the house says of trust was not taken over", { error: String(error) });
      });
      await this.#pulse.rest(this.sight.isAlone ? QUIET_ALONE_MS : QUIET_MS, signal);
    }
  }

  /** Beside the leader. */
  async #seeOff(signal: AbortSignal): Promise<void> {
    const { self, leaving, log } = this.#options;
    if (leaving().has(self().nodeId))
      await this.handOverLead(AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])).catch((error: unknown) => {
        if (!signal.aborted) log.debug("The store's lead was not handed over", { error: String(error) });
      });
    await this.#departures.look(signal).catch((error: unknown) => {
      if (!signal.aborted) log.debug("Nodes that left were not seen to", { error: String(error) });
    });
  }

  /** Who was removed; and, as a member of the store, the key that signs for others: a standby may have to go on with the house alone. */
  async #takeOver(signal: AbortSignal): Promise<void> {
    const { dataDir, self, onTrust } = this.#options;
    if (!this.sight.isFresh) return;
    const value = (await this.sight.reads.get(keys.removed, AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)])))?.value;
    if (value !== undefined && value !== this.#removals) {
      await takeOverRemovals(dataDir, value);
      this.#removals = value;
      await onTrust();
    }
    const { voters, standbys } = this.sight.seen;
    if ([...voters, ...standbys].includes(self().nodeId) && !holdsAuthority(dataDir)) await this.#askForAuthority();
  }

  async #keepLeaves(signal: AbortSignal): Promise<void> {
    const { dataDir, addresses, onTrust, clock, log } = this.#options;
    const onRenewed = (): void => void onTrust();
    await keepLeaves({ dataDir, addresses, signer: () => this.#signer(), onRenewed, clock, log }, signal);
  }

  /** Another one at each try: not every node can sign, and one that can may be away. */
  #signer(): Promise<MeshLink> {
    const { self, dial } = this.#options;
    const others = this.sight.seen.members.filter((each) => !self().addresses.includes(each));
    const address = others[this.#signersTried++ % others.length];
    return address === undefined ? Promise.reject(new Error("Nobody else belongs to this house")) : dial(address);
  }

  /** Of any that holds it: they give it to members of the store alone. */
  async #askForAuthority(): Promise<void> {
    const { self, ask, dataDir, log } = this.#options;
    const others = this.sight.seen.known.filter(({ nodeId }) => nodeId !== self().nodeId);
    for (const to of others.flatMap(({ nodeId, addresses }) => addresses.map((address) => ({ nodeId, address })))) {
      try {
        holdAuthority(dataDir, String(await ask(to, "authority", null)));
        log.info("This node signs for the house from now on");
        return;
      } catch (error) {
        log.debug("The house's key was not given", { ...to, error: String(error) });
      }
    }
  }

  /** It writes that down itself; where the store does not answer it, one of the others may reach it. */
  async #sayWhereItIs(signal: AbortSignal): Promise<void> {
    const { self, request, send, log } = this.#options;
    const { peerUrl, fitness } = request();
    const moved = { protocol: PROTOCOL, kind: "moved", from: self(), peerUrl, witness: fitness.witness === true } as const;
    if (movedNode(this.sight.records?.roster ?? new Map(), moved, "trusted") === undefined) return;
    try {
      await this.door.moved(moved, "trusted", AbortSignal.any([signal, AbortSignal.timeout(ANSWER_MS)]));
    } catch (error) {
      if (signal.aborted) return;
      log.debug("Where this node is was not written down", { error: String(error) });
      for (const address of this.sight.seen.members) send([address], moved);
    }
  }
}

/** The key that signs for the house goes to those who vote, and to those who may have to take the house over. */
export function giveAuthority(dataDir: string, peer: MeshPeer, sight: HouseSight | undefined): string {
  const mayHave = sight?.isFresh === true && [...sight.seen.voters, ...sight.seen.standbys].includes(peer.nodeId);
  if (peer.standing !== "member" || !mayHave || !holdsAuthority(dataDir))
    throw new MeshRefusal("NotAllowed", "The key of the house is given to its voters and standbys, by one that has it");
  return authorityKey(dataDir);
}

/** Of the agent, as etcd's client. */
export function readCredentials(dataDir: string): Credentials {
  const { ca, agent } = trustFiles(dataDir);
  return { ca: readFileSync(ca), cert: readFileSync(agent.certificate), key: readFileSync(agent.key) };
}
