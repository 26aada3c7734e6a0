// One node between its disk, its etcd and the other nodes: the pure joiner's loop, its courier and, while it belongs to a house, what runs
// inside. Answers what others ask of the joining on 733.
import type { MeshConnection } from "../../adapters/mesh/client.ts";
import type { MeshTrust } from "../../adapters/mesh/identify.ts";
import { MeshRefusal } from "../../api/errors.ts";
import type { Here, Joiner } from "../../joining/joiner-state.ts";
import type { Address, JoinRequest, Message, Sender } from "../../joining/messages.ts";
import type { MeshHandler, MeshPeer, MeshStreamAnswer } from "../../mesh-ports.ts";
import type { Store } from "../../ports.ts";
import { memberName } from "../etcd.ts";
import type { Proven } from "../invites.ts";
import { loadMeshTrust } from "../mesh-trust.ts";
import { forgetHouse, hasTrust, houseHash } from "../trust.ts";
import { plainHost, reachedAt, splitAddress } from "./addresses.ts";
import { Belonging } from "./belonging.ts";
import { Courier, type NodeAt } from "./courier.ts";
import { Encounters } from "./encounters.ts";
import { hearOfChange, type Told } from "./epochs.ts";
import type { HouseSight } from "./house-sight.ts";
import { Inside } from "./inside.ts";
import { JoinerLoop } from "./joiner-loop.ts";
import type { JoiningNodeOptions, StreamAsked } from "./joining-options.ts";
import { archive, forget } from "./member-disk.ts";
import { memberAnswer, type MemberRequestPorts } from "./member-requests.ts";
import { OwnStore } from "./own-store.ts";
import { OwnTrust } from "./own-trust.ts";
import { homeOf, lastKnown, lastMembers, type Seen } from "./seen.ts";
import { answers, isAnswered, isHonest, readSpoken, type Came } from "./spoken.ts";
import { StorePlace } from "./store-place.ts";
import { TakingOver, type TakeoverFacts } from "./taking-over.ts";
import { wishFor } from "./wish.ts";

const END_MS = 5_000;
const COME_AGAIN_AFTER_MS = 300;

export class JoiningNode implements MeshHandler {
  readonly #options: JoiningNodeOptions;
  readonly #loop: JoinerLoop;
  readonly #courier: Courier;
  readonly #own: OwnStore;
  readonly #takeover: TakingOver;
  readonly #trust: OwnTrust;
  readonly encounters = new Encounters();
  readonly #memberPorts: MemberRequestPorts;
  readonly #place: StorePlace;
  /** Agents of the house that it last belonged to. */
  #lastMembers: readonly Address[];
  #inside: Belonging | undefined;
  /** The house was taken over while this node was away, or has removed it: its store must not start. */
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
      house: () => houseHash(dataDir),
      onAnswer: (peer, message, from) => this.#onAnswer(peer, message, from),
      onRemoved: (peer) => {
        if (this.#trust.wasRemovedBy(peer)) void this.#loop.wasRemoved();
      },
      onRefusal: (why) => {
        this.encounters.refused(why);
        this.#loop.say(why);
      },
      onNobody: (address) => void this.#loop.nobodyThere(address),
      onFailure: (address, error) => this.encounters.failed(address, error),
      log,
    });
    this.#own = new OwnStore(options);
    this.#place = new StorePlace({
      ...options,
      known: () => this.#inside?.running.sight.seen.known ?? lastKnown(options.dataDir),
      isServed: () => this.#inside?.running.sight.isFresh === true,
      keep: async (how) => {
        if (this.#loop.membership?.memberId !== undefined) await this.#own.keep(how);
      },
    });
    this.#takeover = new TakingOver({
      ...options,
      own: this.#own,
      peerUrl: () => this.#place.choose(),
      speaks: () => ({ self: this.#self(), request: this.#request() }),
      dial: (address, expected) => this.#courier.dial(address, expected),
    });
    // In a moment: who asked must hear first that it is done.
    const comeAgain = (): void => void clock.timer(COME_AGAIN_AFTER_MS, () => void this.#loop.told({ kind: "told to leave" }));
    this.#memberPorts = { ...options, inside: () => this.inside, comeAgain };
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

  get inside(): Inside | undefined {
    return this.#inside?.running;
  }

  /** Agents of the house that it last belonged to. */
  get formerMembers(): readonly Address[] {
    return this.#lastMembers;
  }

  /** A person's word was written down: it counts from now on. */
  async told(event: { readonly kind: "wished" | "told to leave" }): Promise<void> {
    this.encounters.forget();
    await this.#loop.told(event);
  }

  /** As a member of that member alone. Throws MeshRefusal or MeshUnreachable. */
  ask(to: NodeAt, method: string, body: unknown): Promise<unknown> {
    return this.#courier.ask(to, method, body);
  }

  /** A link of one's own to that member, to end. Throws MeshUnreachable. */
  linkTo(address: Address, nodeId: string): Promise<MeshConnection> {
    return this.#courier.dial(address, nodeId);
  }

  /** Who answers there, and what house it shows. Throws MeshUnreachable. */
  async meet(address: Address): Promise<MeshPeer> {
    const link = await this.#courier.dial(address);
    link.close();
    return link.peer;
  }

  /** Of a node of this house. */
  isOurs(address: string): boolean {
    return this.seen?.members.some((each) => splitAddress(each).address === plainHost(address)) === true;
  }

  /** Who belongs to the house, or wants to, may be another: the store says so. */
  houseChanged(): void {
    this.#inside?.running.houseChanged();
  }

  isKnown(nodeId: string): boolean {
    return this.#inside?.running.sight.knows(nodeId) === true;
  }

  /** Until the signal; etcd runs on. */
  async run(signal: AbortSignal): Promise<void> {
    const { child, clock, log } = this.#options;
    this.#signal = signal;
    try {
      await this.#place.waitForTailnet(signal);
      if (await this.#takeover.goOn(signal)) this.#loop.readAnew();
      await this.#place.choose();
      const told = await hearOfChange(
        {
          membership: this.#loop.membership,
          isRunning: child.running() !== undefined,
          self: this.#self(),
          members: this.#lastMembers,
          candidates: this.#options.discovery().candidates,
          greet: (to, hello) => this.#courier.greet(to, hello),
          clock,
          log,
        },
        signal,
      );
      this.#older = told !== undefined;
      const running = Promise.all([this.#loop.run(signal), this.#place.run(signal)]);
      if (told !== undefined) await this.#giveUp(told);
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

  async #giveUp(told: Told): Promise<void> {
    if (told === "was removed") {
      await this.#loop.wasRemoved();
      await this.#options.onHouse(undefined); // what an earlier start of this node still shows
    } else if (isHonest(told.peer, told.message)) await this.#receive(told.peer, told.message, { from: told.from, as: "answerer" });
    this.#older = false;
    await this.#onPhase(this.#loop.joiner);
  }

  async request(peer: MeshPeer, method: string, body: unknown, signal: AbortSignal): Promise<unknown> {
    const answer = memberAnswer(method);
    if (answer !== undefined) return answer(this.#memberPorts, this.#mustBelong(peer), { body, signal });
    if (method === "join") return this.#join(peer, body, signal);
    if (!isAnswered(method)) throw new MeshRefusal("UnknownMethod", `There is no ${method}`);
    const message = readSpoken(peer, body, method);
    if (message.kind === "hello") this.#trust.mustNotBeRemoved(peer, message);
    const from = reachedAt(peer.address, message.from.addresses);
    return this.#receive(peer, message, { from, as: "asker", kinds: answers[method] });
  }

  async stream(peer: MeshPeer, ...asked: StreamAsked): Promise<MeshStreamAnswer> {
    this.#mustBelong(peer);
    return this.#options.stream(...asked);
  }

  /** Its certificates are good until its store is out of the house's, which may take a while; what members ask of each other ends at once. */
  #mustBelong(peer: MeshPeer): MeshPeer {
    if (peer.standing === "member" && this.#inside?.running.sight.hasLost(peer.nodeId) === true)
      throw new MeshRefusal("NotAllowed", "This node was taken out of the house");
    return peer;
  }

  async #join(peer: MeshPeer, body: unknown, signal: AbortSignal): Promise<unknown> {
    const proven = (typeof body === "object" && body !== null ? body : {}) as Partial<Proven>; // looked at by whoever takes it
    const message = readSpoken(peer, proven.message, "join");
    const inside = this.#inside?.running;
    if (inside === undefined) throw new MeshRefusal("NoHouse", "This node belongs to no house yet");
    const proof = typeof proven.proof === "string" ? { proof: proven.proof } : {};
    return inside.door.join(peer, { message: proven.message, ...proof }, message, signal).finally(() => inside.asked());
  }

  async #onAnswer(peer: MeshPeer, message: Message, from: Address): Promise<void> {
    if (!isHonest(peer, message)) return this.#courier.drop(from);
    await this.#receive(peer, message, { from, as: "answerer" });
  }

  async #receive(peer: MeshPeer, message: Message, { from, as, kinds = [] }: Came): Promise<readonly Message[]> {
    await this.#trust.remember(peer);
    const trust = await this.#trust.in(peer, as, this.#signal);
    this.encounters.reached(from);
    if (trust === "refused") this.encounters.isStrange(from, message.from.name);
    if (peer.standing === "member") this.encounters.heard(peer.nodeId, this.#options.clock.now());
    const inside = this.#inside?.running;
    // One in the queue is no member yet, and speaks for itself alone.
    if (inside !== undefined && (peer.standing === "member" || message.kind === "present")) inside.steward?.heard(message);
    if (message.kind === "moved") await inside?.door.moved(message, trust, this.#signal);
    return this.#loop.heard(message, { from, trust }, kinds);
  }

  #ports(): ConstructorParameters<typeof JoinerLoop>[0]["ports"] {
    return {
      here: () => this.#own.ground.seenFrom(this.#here(), this.#loop.joiner.phase, this.#signal),
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
        await this.#place.choose();
      },
      forget: async () => {
        await this.#leaveInside();
        forget(this.#options.dataDir);
        if (this.#options.rests()) forgetHouse(this.#options.dataDir);
        await this.#trust.show();
      },
      onPhase: (joiner) => this.#onPhase(joiner),
    };
  }

  #here(): Here {
    const { clock, discovery, wish, rests } = this.#options;
    const inside = this.#inside?.running;
    const found = discovery();
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
      houseIsUnseen: inside?.sight.isUnseen === true,
      wall: clock.wall(),
      home: this.#loop.membership === undefined ? homeOf(this.#options.dataDir) : undefined,
      ...(rests() && { rests: true }),
      ...wishFor(wish(), this.#loop.membership?.houseId),
    };
  }

  #self(): Sender {
    const { nodeId, name, meshAddresses, versions } = this.#options;
    const house = this.#inside?.running.sight.seen.house;
    return { nodeId, name: name(), addresses: meshAddresses(), versions, ...(house && { house }) };
  }

  #request(): JoinRequest {
    const { dataDir, nodeId, machine } = this.#options;
    return { peerUrl: this.#place.peerUrl, memberName: memberName(dataDir, nodeId), ...machine() };
  }

  // ---------------------------------------------------------------- whom it asks, where it belongs

  async #onPhase({ phase }: Joiner): Promise<void> {
    const { dataDir } = this.#options;
    // Half an entry into another house than this one.
    if (phase.kind === "asking" && hasTrust(dataDir) && houseHash(dataDir) !== phase.house.id) forgetHouse(dataDir);
    await this.#trust.show();
    if (phase.kind !== "member") this.#older = false;
    if (phase.kind === "looking" && this.#options.rests()) this.#options.onRest();
    const membership = phase.kind === "member" && hasTrust(dataDir) && !this.#older ? phase.membership : undefined;
    const key = JSON.stringify(membership);
    if (this.#inside?.key === key) return;
    await this.#leaveInside();
    if (membership === undefined) return;
    const localHost = membership.memberId === undefined ? undefined : await this.#own.keep();
    const running = new Inside({
      ...this.#options,
      membership,
      ...(localHost !== undefined && { localHost }),
      etcdVersion: this.#options.etcd.version,
      self: () => this.#self(),
      request: () => this.#request(),
      peers: () => this.#loop.joiner.peers,
      send: (to, message) => this.#courier.send(to, message),
      onEtcd: (event) => void this.#loop.etcd(event),
      ask: (to, method, body) => this.#courier.ask(to, method, body),
      dial: (address) => this.#courier.dial(address),
      hasMoreAddresses: () => this.#place.hasMore,
      keepStore: (how) => this.#place.follow(how),
      onTrust: () => this.#trust.show(),
    });
    this.#inside = new Belonging(key, running, this.#options);
  }

  async #leaveInside(): Promise<void> {
    const inside = this.#inside;
    this.#inside = undefined;
    await inside?.end();
    this.#lastMembers = lastMembers(this.#options.dataDir);
  }
}
