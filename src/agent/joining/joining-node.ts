// One node between its disk, its etcd and the other nodes: the pure joiner's loop, its courier and, while it belongs to a house, what runs
// inside. Answers what others ask of the joining on 733.
import type { MeshTrust } from "../../adapters/mesh/identify.ts";
import { MeshRefusal } from "../../api/errors.ts";
import type { HouseFacts } from "../../joining/house-facts.ts";
import type { Here, Joiner, Membership } from "../../joining/joiner-state.ts";
import type { Address, JoinRequest, Message, Sender, Trust, Versions } from "../../joining/messages.ts";
import type { MeshHandler, MeshPeer } from "../../mesh-ports.ts";
import type { Clock, Log, Store } from "../../ports.ts";
import type { Child } from "../child.ts";
import { memberName, peerUrlOf } from "../etcd.ts";
import type { EtcdProgram } from "../etcd-binary.ts";
import type { Proven } from "../invites.ts";
import { loadMeshTrust } from "../mesh-trust.ts";
import { answerRenewal } from "../renewal.ts";
import { forgetHouse, hasTrust, houseHash } from "../trust.ts";
import { plainHost, reachedAt, splitAddress } from "./addresses.ts";
import { Courier } from "./courier.ts";
import { meetHigherEpoch, type Greeted } from "./epochs.ts";
import { lastMembers, type HouseSight, type Seen } from "./house-sight.ts";
import { giveAuthority, Inside, type Judge } from "./inside.ts";
import { JoinerLoop } from "./joiner-loop.ts";
import { archive, forget } from "./member-disk.ts";
import { OwnStore } from "./own-store.ts";
import { OwnTrust } from "./own-trust.ts";
import type { Wish } from "./wish.ts";
import { answers, isAnswered, isHonest, readSpoken } from "./spoken.ts";
import { TakingOver, type TakeoverFacts } from "./taking-over.ts";

export interface JoiningNodeOptions {
  readonly dataDir: string;
  readonly nodeId: string;
  /** As it is now: the house that admits it may give it another. */
  readonly name: () => string;
  /** IP addresses of this node, where its store is reached, best first. */
  readonly addresses: () => readonly string[];
  /** Of its port 733. */
  readonly meshAddresses: () => readonly Address[];
  /** Which address to speak from; absent: what the route says. */
  readonly localAddress?: string;
  readonly etcd: EtcdProgram;
  readonly child: Child;
  readonly versions: Versions;
  /** As far as it is known. */
  readonly machine: () => Pick<JoinRequest, "machine" | "fitness">;
  readonly discovery: () => Pick<Here, "candidates" | "tailnet">;
  /** It has a house from now on, or none; the store closes when what is returned has ended. */
  readonly onHouse: (house: OwnHouse | undefined) => Promise<void>;
  /** Of `fossora join`. */
  readonly wish: () => Wish | undefined;
  /** Undefined: not known just now. */
  readonly facts: () => HouseFacts | undefined;
  readonly replaceAfterMs: () => number;
  /** What the tailnet says of one without a certificate of our house. */
  readonly strangerTrust: (peer: MeshPeer, signal: AbortSignal) => Promise<Trust>;
  readonly judge: Judge;
  /** 733 shows and believes this from now on. */
  readonly onTrust: (trust: MeshTrust) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** The house of this node while it belongs to one; another membership is another house. */
export interface OwnHouse {
  readonly membership: Membership;
  readonly store: Store;
}

const END_MS = 5_000;
const ADDRESSES_EVERY_MS = 1_000;

export class JoiningNode implements MeshHandler {
  readonly #options: JoiningNodeOptions;
  readonly #loop: JoinerLoop;
  readonly #courier: Courier;
  readonly #own: OwnStore;
  readonly #takeover: TakingOver;
  readonly #trust: OwnTrust;
  #peerUrl = "";
  /** Agents of the house that it last belonged to. */
  #lastMembers: readonly Address[];
  #inside: { readonly key: string; readonly running: Inside } | undefined;
  /** The house was taken over while this node was away: its store must not start. */
  #older = false;
  #signal: AbortSignal = AbortSignal.abort();

  static async open(options: JoiningNodeOptions): Promise<JoiningNode> {
    return new JoiningNode(options, await loadMeshTrust(options.dataDir));
  }

  private constructor(options: JoiningNodeOptions, trust: MeshTrust) {
    this.#options = options;
    const { dataDir, nodeId, localAddress, wish, strangerTrust, onTrust, clock, log } = options;
    this.#trust = new OwnTrust(trust, {
      dataDir,
      phase: () => this.#loop.joiner.phase,
      token: () => wish()?.token,
      strangerTrust,
      onTrust: (now) => {
        this.#courier.setTrust(now);
        onTrust(now);
      },
    });
    this.#courier = new Courier({
      nodeId,
      trust,
      ...(localAddress !== undefined && { localAddress }),
      token: () => wish()?.token,
      onAnswer: (peer, message, from) => void this.#onAnswer(peer, message, from),
      onRefusal: (why) => this.#loop.say(why),
      log,
    });
    this.#own = new OwnStore(options);
    this.#takeover = new TakingOver({
      ...options,
      own: this.#own,
      peerUrl: async () => {
        await this.#choosePeerUrl();
        return this.#peerUrl;
      },
      speaks: () => ({ self: this.#self(), request: this.#request() }),
      dial: (address) => this.#courier.dial(address),
    });
    this.#lastMembers = lastMembers(dataDir);
    this.#loop = new JoinerLoop({ dataDir, clock, log, ports: this.#ports() });
  }

  get trust(): MeshTrust {
    return this.#trust.now;
  }

  get joiner(): Joiner {
    return this.#loop.joiner;
  }

  /** The last things that people should read. */
  get words(): readonly string[] {
    return this.#loop.words;
  }

  /** Its house, as it was last seen. */
  get seen(): Seen | undefined {
    return this.#inside?.running.sight.seen;
  }

  /** While it belongs to a house. */
  get store(): Store | undefined {
    return this.#inside?.running.store;
  }

  /** Of a node of this house. */
  isOurs(address: string): boolean {
    return this.seen?.members.some((each) => splitAddress(each).address === plainHost(address)) === true;
  }

  /** Somebody wrote into the house's store. */
  storeChanged(): void {
    this.#inside?.running.storeChanged();
  }

  isKnown(nodeId: string): boolean {
    return this.#inside?.running.sight.knows(nodeId) === true;
  }

  /** Until the signal; etcd runs on. */
  async run(signal: AbortSignal): Promise<void> {
    const { child, clock, log } = this.#options;
    this.#signal = signal;
    try {
      if (await this.#takeover.goOn(signal)) this.#loop.readAnew();
      await this.#choosePeerUrl();
      const higher = await meetHigherEpoch(
        {
          membership: this.#loop.membership,
          isRunning: child.running() !== undefined,
          self: this.#self(),
          members: this.#lastMembers,
          greet: (to, hello) => this.#courier.greet(to, hello),
          clock,
          log,
        },
        signal,
      );
      this.#older = higher !== undefined;
      const running = Promise.all([this.#loop.run(signal), this.#followAddresses(signal)]);
      if (higher !== undefined) await this.#giveUp(higher);
      await running;
    } finally {
      child.release();
      await this.#leaveInside();
      this.#courier.close();
    }
  }

  /** Of the house, while it belongs to one. */
  get sight(): HouseSight | undefined {
    return this.#inside?.running.sight;
  }

  /** What a take-over by this node would meet. */
  lookToTakeOver(): Promise<TakeoverFacts> {
    return this.#takeover.look(this.#loop.joiner, this.sight);
  }

  /** The house goes on from this node's copy. Whoever calls has looked. Throws UserError, and nothing has changed then. */
  async takeOver(): Promise<void> {
    await this.#loop.between(async () => {
      const { membership } = this.#loop;
      await this.#leaveInside();
      await this.#takeover.take(membership, this.#signal);
    });
  }

  async #giveUp({ peer, message, from }: Greeted): Promise<void> {
    if (isHonest(peer, message)) await this.#receive(peer, message, { from, kinds: [] });
    this.#older = false;
    await this.#onPhase(this.#loop.joiner);
  }

  async request(peer: MeshPeer, method: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    if (method === "renew") return answerRenewal(this.#options.dataDir, peer, body);
    if (method === "authority") return giveAuthority(this.#options.dataDir, peer, this.#inside?.running.sight);
    if (method === "links" || method === "restart-store") return this.#tellTiming(peer, method, signal);
    if (method === "join") return this.#join(peer, body, signal);
    if (!isAnswered(method)) throw new MeshRefusal("UnknownMethod", `There is no ${method}`);
    const message = readSpoken(peer, body, method);
    return this.#receive(peer, message, { from: reachedAt(peer.address, message.from.addresses), kinds: answers[method] });
  }

  /** Whoever leads asks; what is done is what the store says. */
  async #tellTiming(peer: MeshPeer, method: "links" | "restart-store", signal: AbortSignal): Promise<unknown> {
    const timing = this.#inside?.running.timing;
    if (peer.standing !== "member" || timing === undefined) throw new MeshRefusal("NotAllowed", "This is between members of a house");
    return method === "links" ? timing.report() : timing.restart(signal);
  }

  async #join(peer: MeshPeer, body: unknown, signal: AbortSignal): Promise<unknown> {
    const proven = (typeof body === "object" && body !== null ? body : {}) as Partial<Proven>; // looked at by whoever takes it
    const message = readSpoken(peer, proven.message, "join");
    const inside = this.#inside?.running;
    if (inside === undefined) throw new MeshRefusal("NoHouse", "This node belongs to no house yet");
    const proof = typeof proven.proof === "string" ? { proof: proven.proof } : {};
    return inside.door.join(peer, { message: proven.message, ...proof }, message, signal).finally(() => inside.storeChanged());
  }

  async #onAnswer(peer: MeshPeer, message: Message, from: Address): Promise<void> {
    if (!isHonest(peer, message)) return this.#courier.drop(from);
    await this.#receive(peer, message, { from, kinds: [] });
  }

  async #receive(
    peer: MeshPeer,
    message: Message,
    { from, kinds }: { readonly from: Address; readonly kinds: readonly Message["kind"][] },
  ): Promise<readonly Message[]> {
    await this.#trust.remember(peer);
    const trust = await this.#trust.in(peer, this.#signal);
    const inside = this.#inside?.running;
    // One in the queue is no member yet, and speaks for itself alone.
    if (inside !== undefined && (peer.standing === "member" || message.kind === "present")) inside.steward?.heard(message);
    if (message.kind === "moved") await inside?.door.moved(message, trust, this.#signal);
    return this.#loop.heard(message, { from, trust }, kinds);
  }

  #ports(): ConstructorParameters<typeof JoinerLoop>[0]["ports"] {
    return {
      here: () => this.#here(),
      send: (to, message) => this.#courier.send(to, message),
      found: async (signal) => {
        const founded = await this.#own.found({ self: this.#self(), request: this.#request() }, signal);
        await this.#trust.show();
        return founded;
      },
      enter: async (underWay, credentials, signal) => {
        await this.#own.enter(underWay, credentials, (address) => this.#courier.dial(address), signal);
        await this.#trust.show();
      },
      startEtcd: (signal) => this.#own.start(signal),
      archive: async () => {
        // At once: from now on nothing that this store would take counts.
        await Promise.all([this.#options.child.end(END_MS), this.#leaveInside()]);
        archive(this.#options.dataDir);
        await this.#choosePeerUrl();
      },
      forget: async () => {
        await this.#leaveInside();
        forget(this.#options.dataDir);
        await this.#trust.show();
      },
      onPhase: (joiner) => this.#onPhase(joiner),
    };
  }

  #here(): Here {
    const { clock, discovery, wish } = this.#options;
    const inside = this.#inside?.running;
    const membership = this.#loop.membership;
    const wanted = wish();
    const found = discovery();
    const isThere = wanted?.token !== undefined && wanted.token.houseHash === membership?.houseId;
    return {
      nowMs: clock.now(),
      self: this.#self(),
      request: this.#request(),
      ...found,
      alone: found.tailnet === "absent" && this.#lastMembers.length === 0,
      candidates: [...new Set([...found.candidates, ...this.#lastMembers])],
      members: inside?.sight.seen.members ?? [],
      voters: inside?.sight.seen.voters ?? [],
      houseIsFresh: inside?.sight.isFresh === true,
      wall: clock.wall(),
      ...(wanted !== undefined && !isThere && { wish: wishOf(wanted) }),
    };
  }

  #self(): Sender {
    const { nodeId, name, meshAddresses, versions } = this.#options;
    const house = this.#inside?.running.sight.seen.house;
    return { nodeId, name: name(), addresses: meshAddresses(), versions, ...(house && { house }) };
  }

  #request(): JoinRequest {
    const { dataDir, nodeId, machine } = this.#options;
    return { peerUrl: this.#peerUrl, memberName: memberName(dataDir, nodeId), ...machine() };
  }

  /** Where etcd listens changes with them; the house is told by whoever runs inside. */
  async #followAddresses(signal: AbortSignal): Promise<void> {
    const { addresses, clock, log } = this.#options;
    for (let before = addresses().join(); !signal.aborted;) {
      await clock.sleep(ADDRESSES_EVERY_MS, signal).catch(() => undefined);
      const now = addresses().join();
      if (signal.aborted || now === before) continue;
      try {
        await this.#choosePeerUrl();
        if (this.#loop.membership?.memberId !== undefined) await this.#own.keep();
        before = now;
      } catch (error) {
        log.warn("The store could not follow this node's addresses", { error });
      }
    }
  }

  async #choosePeerUrl(): Promise<void> {
    const { dataDir, addresses, child } = this.#options;
    this.#peerUrl = await peerUrlOf(dataDir, { addresses: addresses(), child });
  }

  // ---------------------------------------------------------------- whom it asks, where it belongs

  async #onPhase({ phase }: Joiner): Promise<void> {
    const { dataDir } = this.#options;
    // Half an entry into another house than this one.
    if (phase.kind === "asking" && hasTrust(dataDir) && houseHash(dataDir) !== phase.house.id) forgetHouse(dataDir);
    await this.#trust.show();
    if (phase.kind !== "member") this.#older = false;
    const membership = phase.kind === "member" && hasTrust(dataDir) && !this.#older ? phase.membership : undefined;
    const key = JSON.stringify(membership);
    if (this.#inside?.key === key) return;
    await this.#leaveInside();
    if (membership === undefined) return;
    const localHost = membership.memberId === undefined ? undefined : await this.#own.keep();
    const { etcd, judge, facts, replaceAfterMs, addresses, localAddress, onHouse, clock, log } = this.#options;
    const running = new Inside({
      dataDir,
      membership,
      ...(localHost !== undefined && { localHost }),
      etcdVersion: etcd.version,
      self: () => this.#self(),
      request: () => this.#request(),
      facts,
      replaceAfterMs,
      judge,
      send: (to, message) => this.#courier.send(to, message),
      onEtcd: (event) => void this.#loop.etcd(event),
      ask: (address, method, body) => this.#courier.ask(address, method, body),
      dial: (address) => this.#courier.dial(address),
      keepStore: () => this.#own.keep(),
      ...(localAddress !== undefined && { localAddress }),
      addresses,
      onTrust: () => this.#trust.show(),
      clock,
      log,
    });
    this.#inside = { key, running };
    await onHouse({ membership, store: running.store });
  }

  async #leaveInside(): Promise<void> {
    const inside = this.#inside;
    this.#inside = undefined;
    if (inside !== undefined) await this.#options.onHouse(undefined);
    await inside?.running.close();
    this.#lastMembers = lastMembers(this.#options.dataDir);
  }
}

function wishOf({ addresses, token }: Wish): NonNullable<Here["wish"]> {
  return { addresses, ...(token !== undefined && { houseId: token.houseHash }) };
}
