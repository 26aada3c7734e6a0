// What a member sees of its house: roster, queue and members, read each second at a voter; and, while nobody answers, what it last saw,
// also after a restart.
import { Cluster, type ClusterMember } from "../../adapters/etcd3/cluster.ts";
import type { Credentials } from "../../adapters/etcd3/connect.ts";
import { openStore, type EtcdStore } from "../../adapters/etcd3/store.ts";
import { keys, PREFIX } from "../../api/keys.ts";
import type { StoredResource } from "../../api/resource.ts";
import { memberAddresses } from "../../joining/broadcast.ts";
import { houseFacts, type HouseFacts } from "../../joining/house-facts.ts";
import { heardVoters } from "../../joining/heard-voters.ts";
import type { HouseRecords } from "../../joining/house-records.ts";
import { nodeOfMember, type Ms } from "../../joining/house-view.ts";
import type { Membership, Peer } from "../../joining/joiner-state.ts";
import type { Address, NodeId } from "../../joining/messages.ts";
import type { Clock, Log } from "../../ports.ts";
import { admittedTo } from "../etcd.ts";
import { loadNodeId } from "../identity.ts";
import { urlOf } from "../store-urls.ts";
import { splitAddress } from "./addresses.ts";
import { isUnderWay, RecordsReader } from "./house-records.ts";
import { OwnPlace } from "./own-place.ts";
import type { Pulse } from "./pulse.ts";
import { QuietReads } from "./quiet-reads.ts";
import { nobody, readHosts, readSeen, SeenKeeper, type Seen } from "./seen.ts";

export interface SightOptions {
  readonly dataDir: string;
  readonly membership: Membership;
  /** This node's, by which its house decides for it. */
  readonly name: () => string;
  readonly credentials: Credentials;
  /** Of the store beside this agent; absent: a worker. */
  readonly localHost?: string;
  /** Other computers, as they last spoke. */
  readonly peers: () => ReadonlyMap<NodeId, Peer>;
  /** Undefined: not known just now. */
  readonly facts: () => HouseFacts | undefined;
  /** Of the store, as this agent's copy has it; undefined: the copy is not fresh. */
  readonly revision: () => number | undefined;
  readonly pulse: Pulse;
  /** This node's part in the store is another, or more nodes vote than before, or fewer. */
  readonly onStanding: () => void;
  /** They belong to the house no more. */
  readonly onGone: (nodeIds: readonly NodeId[]) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What is not known must not be given up, and lets nobody in. */
const UNKNOWN: HouseFacts = { hasObjects: true, joining: "off" };

const QUIET_MS = 2_500;
/** Nobody else is there whose death, or whose admission elsewhere, had to be seen. */
const QUIET_ALONE_MS = 15_000;
const LOOK_LIMIT_MS = 3_000;
const HOST_LIMIT_MS = 1_000;
/** An older look says nothing about now. */
const FRESH_MS = 4_000;

export class HouseSight {
  readonly store: EtcdStore;
  /** Of the store, for whoever asks the same again and again. */
  readonly reads: QuietReads;
  readonly #options: SightOptions;
  readonly #records: RecordsReader;
  readonly #clusters = new Map<string, Cluster>();
  readonly #admitted = new Set<NodeId>();
  readonly #keeper: SeenKeeper;
  readonly #nodeId: NodeId;
  /** This node's in the house. */
  readonly place: OwnPlace;
  #seen: Seen;
  #hasSeen: boolean;
  #read: HouseRecords | undefined;
  #readAtMs: Ms | undefined;
  /** Where this agent's copy was before the last look; undefined: that failed. */
  #readRevision: number | undefined;
  /** Client endpoints of the voters' stores, as other nodes reach them. */
  #clientHosts: readonly string[] = [];
  #members: readonly ClusterMember[] | undefined;
  #answered: string | undefined;
  #leavesOutLocal = false;
  /** What the store's client was told. */
  #asked: readonly string[];
  /** Of a worker: neither roster nor queue has it. */
  #isUnlisted = false;
  /** Nobody hears them. */
  #silent: readonly NodeId[] = [];

  constructor(options: SightOptions) {
    this.#options = options;
    const { membership, facts, revision, pulse, dataDir, localHost, credentials, clock, log } = options;
    const { houseId: id, epoch, clusterId } = membership;
    const house = { id, epoch, clusterId, nodes: 1, ...(facts() ?? UNKNOWN) };
    const seen = readSeen(dataDir, membership);
    this.#keeper = new SeenKeeper(dataDir, log, seen);
    this.#hasSeen = seen !== undefined;
    this.#nodeId = loadNodeId(dataDir);
    this.place = new OwnPlace({ isNew: !this.#hasSeen });
    this.#seen = seen ?? { house, members: [], voters: votersAtAdmission(options), hosts: readHosts(dataDir), ...nobody };
    const { hosts } = this.#seen;
    this.#asked = hosts.length > 0 ? hosts : [localHost ?? ""];
    this.store = openStore({ hosts: this.#asked, credentials, clock, log });
    this.reads = new QuietReads({ store: this.store, pulse, revision });
    this.#records = new RecordsReader(this.reads, clock);
  }

  get seen(): Seen {
    return this.#seen;
  }

  /** It has never read anything of its house. */
  get isUnseen(): boolean {
    return !this.#hasSeen;
  }

  get records(): HouseRecords | undefined {
    return this.#read;
  }

  get clientHosts(): readonly string[] {
    return this.#clientHosts;
  }

  /** This node's store is no member any more, says a voter; a worker has none, and is in no list of the house's. */
  get isTakenOut(): boolean {
    const { memberId } = this.#options.membership;
    return memberId === undefined ? this.#isUnlisted : this.#members?.some(({ id }) => id === memberId) === false;
  }

  /** Of the store, as they were last listed. */
  get members(): readonly ClusterMember[] {
    return this.#members ?? [];
  }

  /** This node's; undefined: it has not been seen yet. */
  get role(): "voter" | "standby" | "worker" | undefined {
    const own = this.#members?.find(({ id }) => id === this.#options.membership.memberId);
    return this.#members === undefined ? undefined : own === undefined ? "worker" : own.learner ? "standby" : "voter";
  }

  /** How old what this node knows is; absent: it has read nothing since its agent started. */
  get ageMs(): Ms | undefined {
    return this.#readAtMs === undefined ? undefined : this.#options.clock.now() - this.#readAtMs;
  }

  get isFresh(): boolean {
    const { clock, revision } = this.#options;
    if (this.#readAtMs === undefined) return false;
    return clock.now() - this.#readAtMs < FRESH_MS || (this.#readRevision !== undefined && this.#readRevision === revision());
  }

  /** No other node belongs to the house. */
  get isAlone(): boolean {
    return this.#read?.roster.size === 1 && this.#members?.length === 1;
  }

  /** It may have certificates of this house. */
  knows(nodeId: NodeId): boolean {
    return this.#seen.nodes.includes(nodeId) || this.#admitted.has(nodeId);
  }

  /** Whoever has a certificate and is not among those that were seen is out. */
  hasLost(nodeId: NodeId): boolean {
    return this.#hasSeen && !this.knows(nodeId);
  }

  /** The store says so from now on; the next look would come a moment too late. */
  admit(nodeId: NodeId): void {
    this.#admitted.add(nodeId);
  }

  /** While the store beside this agent starts anew others are asked in its place, if there are any. */
  async withoutLocal(work: () => Promise<void>): Promise<void> {
    const others = this.#seen.hosts.filter((host) => host !== this.#options.localHost);
    if (others.length === 0) return work();
    this.#leavesOutLocal = true;
    this.#askThose(this.#seen.hosts);
    try {
      await work();
    } finally {
      this.#leavesOutLocal = false;
      this.#askThose(this.#seen.hosts);
    }
  }

  /** Their stores are asked nothing until they are heard again: calls and streams leave them now, not when each has waited in vain. */
  setSilent(nodes: readonly NodeId[]): void {
    this.#silent = nodes;
    this.#askThose(this.#seen.hosts);
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { pulse, log } = this.#options;
    while (!signal.aborted) {
      await this.look(signal).catch((error: unknown) => {
        this.#readRevision = undefined;
        this.place.notSeen();
        if (!signal.aborted) log.debug("The house was not seen", { error: String(error) });
      });
      await pulse.rest(this.isAlone ? QUIET_ALONE_MS : QUIET_MS, signal);
    }
    for (const cluster of this.#clusters.values()) cluster.close();
    await this.store.close();
  }

  async look(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LOOK_LIMIT_MS)]);
    const revision = this.#options.revision();
    const members = await this.#askForMembers(limit);
    const before = { role: this.role, voters: this.#seen.voters.length };
    this.#members = members;
    if (this.role !== before.role) this.#options.onStanding();
    const hosts = this.#hostsOf(members);
    this.#askThose(hosts);
    const [records, facts] = await Promise.all([this.#records.read(limit), this.#options.facts() ?? this.#readFacts(limit)]);
    if (isUnderWay(records)) this.#options.pulse.changed();
    this.#read = records;
    this.#readAtMs = clock.now();
    this.#readRevision = revision;
    this.#admitted.clear();
    this.#keep(members, hosts, { ...records, facts });
    this.place.seen(isListed(records, this.#nodeId, this.#options.name()));
    this.#isUnlisted = await this.#isMissing(records, limit);
    if (this.#seen.voters.length !== before.voters) this.#options.onStanding();
  }

  /** Those of silent nodes only where there are no others: somebody must be asked. */
  #askThose(hosts: readonly string[]): void {
    if (hosts.length === 0) return;
    const { localHost } = this.#options;
    const here = this.#leavesOutLocal ? hosts.filter((host) => host !== localHost) : hosts;
    const silent = new Set(
      this.members.filter((member) => this.#silent.includes(nodeOfMember(member) ?? "")).flatMap((member) => clientHosts(member)),
    );
    const heard = here.filter((host) => host === localHost || !silent.has(host));
    const asked = heard.length > 0 ? heard : here;
    if (asked.join() === this.#asked.join()) return;
    this.#asked = asked;
    this.store.setHosts(asked);
  }

  async #readFacts(signal: AbortSignal): Promise<HouseFacts> {
    const { entries } = await this.store.list(PREFIX.desired, signal);
    return houseFacts(
      entries.map(({ value, version }) => {
        const { kind, spec } = JSON.parse(value) as StoredResource; // the server checked it
        return { kind, spec, metadata: { generation: version } };
      }),
    );
  }

  #keep(
    members: readonly ClusterMember[],
    hosts: readonly string[],
    { roster, active, facts }: HouseRecords & { readonly facts: HouseFacts },
  ): void {
    const { membership } = this.#options;
    const seen: Seen = {
      house: {
        id: membership.houseId,
        epoch: membership.epoch,
        clusterId: membership.clusterId,
        nodes: Math.max(roster.size, members.length),
        ...facts,
      },
      members: memberAddresses({ roster }),
      voters: members.filter(({ learner }) => !learner).flatMap((member) => nodeOfMember(member) ?? []),
      hosts,
      nodes: [...roster.keys(), ...(active === undefined ? [] : [active.value.nodeId])],
      standbys: members.filter(({ learner }) => learner).flatMap((member) => nodeOfMember(member) ?? []),
      known: [...roster.values()].map(({ nodeId, name, addresses, request: { peerUrl } }) => ({ nodeId, name, addresses, peerUrl })),
    };
    const gone = this.#seen.nodes.filter((nodeId) => !seen.nodes.includes(nodeId));
    this.#seen = seen;
    this.#hasSeen = true;
    this.#keeper.keep(seen);
    if (gone.length > 0) this.#options.onGone(gone);
  }

  /**
   * Roster and queue are two reads, between which it may have been let in. Whoever is out of the queue is in the roster by then, so that is asked
   * once more. A member of the store is out when that is, for it may have to wait for the others.
   */
  async #isMissing({ roster, entries, active }: HouseRecords, signal: AbortSignal): Promise<boolean> {
    const own = this.#nodeId;
    const isKnown = roster.has(own) || active?.value.nodeId === own || entries.some(({ value }) => value.nodeId === own);
    if (this.#options.membership.memberId !== undefined || isKnown || roster.size === 0) return false;
    return (await this.store.get(keys.houseNode(own), signal)) === undefined;
  }

  /** A standby answers no such question, so voters are asked; one without power says nothing at all. */
  async #askForMembers(signal: AbortSignal): Promise<readonly ClusterMember[]> {
    const { localHost } = this.#options;
    const { hosts: voters } = this.#seen;
    const local = localHost === undefined ? [] : [localHost];
    // Its own comes back to the head of the list when it answers again.
    const [first = "", ...rest] = local.some((host) => voters.includes(host)) ? [...local, ...voters] : [...voters, ...local];
    const heard = storesAt(heardVoters(this.#options.peers(), this.#seen), voters);
    const hosts = new Set([first, ...heard, ...rest]);
    let failure: unknown;
    for (const host of hosts) {
      try {
        const members = await this.#cluster(host).members(AbortSignal.any([signal, AbortSignal.timeout(HOST_LIMIT_MS)]));
        this.#answered = host;
        return members;
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
      }
    }
    throw failure;
  }

  #cluster(host: string): Cluster {
    const known = this.#clusters.get(host);
    if (known !== undefined) return known;
    const cluster = new Cluster({ host, credentials: this.#options.credentials });
    this.#clusters.set(host, cluster);
    return cluster;
  }

  #hostsOf(members: readonly ClusterMember[]): readonly string[] {
    const { localHost, membership } = this.#options;
    const voters = members.filter(({ learner, clientUrls }) => !learner && clientUrls.length > 0);
    this.#clientHosts = eachFirst(voters.map(clientHosts));
    const others = voters.filter(({ id }) => id !== membership.memberId);
    const hosts = [...(localHost !== undefined && others.length < voters.length ? [localHost] : []), ...eachFirst(others.map(clientHosts))];
    // Who has just answered is asked first: all but the next question would wait for one that is silent.
    return hosts.toSorted((a, b) => Number(b === this.#answered) - Number(a === this.#answered));
  }
}

/** An empty roster was not written yet: nobody is kept out by it. */
function isListed({ roster }: HouseRecords, nodeId: NodeId, name: string): boolean {
  return roster.size === 0 || roster.get(nodeId)?.name === name;
}

/** As far as it knows: the members that there were, without itself. */
function votersAtAdmission({ dataDir, membership: { memberId } }: SightOptions): readonly NodeId[] {
  if (memberId === undefined) return [];
  const own = loadNodeId(dataDir);
  const nodes = admittedTo(dataDir).flatMap((member) => nodeOfMember(member) ?? []);
  return nodes.filter((nodeId) => nodeId !== own);
}

/**
 * Of voters whose agents are there: who has another address has its store there, too, at the port of before. One that was asked by a name, as a
 * person types it, is at no address that a store is known by.
 */
export function storesAt(agents: readonly Address[], before: readonly string[]): readonly string[] {
  const ports = new Set(before.map((host) => Number(host.split(":").at(-1))));
  const urls = agents.flatMap((agent) => [...ports].map((port) => urlOf(splitAddress(agent).address, port)));
  return clientHosts({ clientUrls: urls.filter((url) => URL.canParse(url)) });
}

/** The first host of each, then the second of each: another voter is asked before another address of the same. */
function eachFirst(hosts: readonly (readonly string[])[]): readonly string[] {
  const most = Math.max(0, ...hosts.map((each) => each.length));
  return Array.from({ length: most }, (_, index) => hosts.flatMap((each) => each[index] ?? [])).flat();
}

/** One for each address at which it may be reached from here. */
export function clientHosts({ clientUrls }: Pick<ClusterMember, "clientUrls">): readonly string[] {
  return clientUrls.map((url) => new URL(url).host);
}
