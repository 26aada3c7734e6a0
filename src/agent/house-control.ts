// What people ask of the house's computers, carried out by the node that was asked: any node lets others in, takes them out and looks round.
import type {
  HouseComputers,
  InviteAnswer,
  JoiningPhase,
  JoiningReport,
  JoinWish as AskedWish,
  LeaveAnswer,
  ReplaceAnswer,
  WaitingComputer,
} from "../api/computers.ts";
import { keys } from "../api/keys.ts";
import type { HandedOver } from "../api/moves.ts";
import { phaseForPeople } from "../joining/phase-for-people.ts";
import { failureOf, searchProblems } from "../joining/reasons.ts";
import { isEmpty } from "../joining/two-houses.ts";
import { removalProblem } from "../joining/voters.ts";
import type { Containers } from "../container-ports.ts";
import type { Clock, Log, Transaction } from "../ports.ts";
import { ApiError } from "../server/api-error.ts";
import type { HouseControl } from "../server/ports.ts";
import { isNodeId } from "../trust/node-id.ts";
import { parseToken } from "../trust/token.ts";
import { wordsOf } from "../trust/words.ts";
import { publicDerOf } from "../adapters/x509/read.ts";
import { Approvals, shown } from "./approvals.ts";
import type { HandOver } from "./hand-over.ts";
import { loadNodeKey } from "./identity.ts";
import { leaveRoster, mustHaveStopped, unknownYet } from "./leaving.ts";
import { LeftContainers, whatStays } from "./left-containers.ts";
import { createInvite, INVITE_MS } from "./invites.ts";
import { isThere, mustBeOfSeveral, untilSeen } from "./join-checks.ts";
import { splitAddress } from "./joining/addresses.ts";
import { departure, membershipWrites, namesLeaving } from "./joining/departures.ts";
import { lookRound, type HouseLook } from "./joining/house-look.ts";
import { RecordsReader } from "./joining/house-records.ts";
import { homeOf } from "./joining/seen.ts";
import type { Inside } from "./joining/inside.ts";
import type { JoiningNode } from "./joining/joining-node.ts";
import { storeLogOf } from "./log-file.ts";
import { wantedHouse, type JoinWish, type Wish } from "./joining/wish.ts";
import { replaceNode } from "./replace.ts";
import { houseHash } from "./trust.ts";

export interface HouseControlOptions {
  readonly dataDir: string;
  readonly nodeId: string;
  /** As the house calls it now. */
  readonly name: () => string;
  readonly joining: () => JoiningNode;
  /** Other computers with this one's key. */
  readonly copies: () => JoiningReport["problems"];
  readonly wish: JoinWish;
  readonly handOver: Pick<HandOver, "go" | "stay" | "stopping">;
  /** Of its port 733. */
  readonly meshAddresses: () => readonly string[];
  readonly tailnet: () => "running" | "starting" | "absent";
  readonly versions: { readonly fossora: string; readonly etcd: string };
  readonly replaceAfterMs: () => number;
  readonly containers: Pick<Containers, "list" | "stop" | "remove">;
  readonly clock: Clock;
  readonly log: Log;
}

/** Polled by whoever waits: looking round asks every computer of the house. */
const LOOK_FRESH_MS = 1_000;
const WAITING_LIMIT_MS = 1_500;
const HAND_OVER_MAX_MS = 60_000;
const LEAVE_EVERY_MS = 200;
const LEAVE_MAX_MS = 100_000;
const UNKNOWN_MAX_MS = 30_000; // an election is over by then

export class NodeHouseControl implements HouseControl {
  readonly #options: HouseControlOptions;
  /** Of the house that this node was in, once it rests. */
  readonly left: LeftContainers;
  /** What was begun for good ends with the agent, not with who asked for it. */
  readonly #ending = new AbortController();
  #look: { readonly inside: Inside; readonly atMs: number; readonly answer: Promise<HouseLook> } | undefined;
  #phase: { readonly kind: JoiningPhase; readonly sinceMs: number } | undefined;
  #ownWords: string | undefined;

  constructor(options: HouseControlOptions) {
    this.#options = options;
    this.left = new LeftContainers({ ...options, signal: this.#ending.signal });
  }

  close(): void {
    this.#ending.abort(new Error("The agent ends"));
  }

  get #joining(): JoiningNode {
    return this.#options.joining();
  }

  async invite(signal: AbortSignal): Promise<InviteAnswer> {
    const { dataDir, meshAddresses, clock } = this.#options;
    const { store } = this.#inside("invite another computer");
    mustBeOfSeveral("Cannot invite another computer", this.#options.versions.etcd);
    const addresses = meshAddresses().map((each) => {
      const { address, port } = splitAddress(each);
      return `${address}:${port}`;
    });
    const token = await createInvite(store, { hash: houseHash(dataDir) ?? "", addresses }, signal);
    return { kind: "Invite", token, until: new Date(Date.parse(clock.wall()) + INVITE_MS).toISOString() };
  }

  async waiting(signal: AbortSignal): Promise<readonly WaitingComputer[]> {
    return (await this.#approvals("see who waits").list(signal)).map(shown);
  }

  async approve(typed: string, signal: AbortSignal): Promise<WaitingComputer> {
    return shown(await this.#approvals("let anybody in").approve(typed, signal));
  }

  async reject(typed: string, signal: AbortSignal): Promise<WaitingComputer> {
    return shown(await this.#approvals("say no to anybody").reject(typed, signal));
  }

  async join(asked: AskedWish, signal: AbortSignal): Promise<void> {
    const { wish } = this.#options;
    const joining = this.#joining;
    if (asked.token === undefined && asked.addresses.length === 0) {
      if (wish.rests) wish.clear();
      return joining.told({ kind: "wished" });
    }
    mustBeOfSeveral("Cannot join", this.#options.versions.etcd);
    const token = asked.token === undefined ? undefined : parseToken(asked.token);
    const wanted = { addresses: asked.addresses, ...(token !== undefined && { token }) };
    // Founded a moment ago it has not read whether it is empty: `join` is often typed right after `up`.
    await untilSeen(() => joining.inside, this.#options.clock, signal);
    const house = joining.seen?.house;
    if (house !== undefined && house.id === token?.houseHash) return;
    if (house !== undefined) {
      if (!isEmpty(house))
        throw new ApiError(
          "Conflict",
          "Cannot join: this computer belongs to a house with apps or other computers, and two houses are never merged. What it has stays on it when it leaves.",
          { next: "fossora leave" },
        );
      // An empty house is given up for one that is there, not for a mistyped address.
      if (await isThere(wantedHouse(wanted), joining)) return;
    }
    wish.set(wanted);
    await joining.told({ kind: "wished" });
  }

  async leave({ confirm, force = false }: Parameters<HouseControl["leave"]>[0], signal: AbortSignal): Promise<LeaveAnswer> {
    const own = this.#options.name();
    if (confirm !== own)
      throw new ApiError("BadRequest", `Nothing was changed: that "${own}" is to leave its house has to be confirmed by its name.`, {
        next: `fossora leave --confirm=${own}`,
      });
    const { promise: late, reject } = Promise.withResolvers<never>();
    return Promise.race([this.#leave(force, () => reject(unknownYet()), signal), late]);
  }

  /** All of it, also when `onLate` was called because nobody can tell yet whether this node is out. */
  async #leave(force: boolean, onLate: () => void, signal: AbortSignal): Promise<LeaveAnswer> {
    const { wish, handOver, dataDir } = this.#options;
    const joining = this.#joining;
    const { inside } = joining;
    // One that waits for its house has its apps still; what runs beside one that has no house is another's.
    const hasApps = inside !== undefined || homeOf(dataDir) !== undefined;
    try {
      const goes = inside === undefined || (force && !inside.sight.isFresh) ? undefined : await this.#handedOver(inside, force, signal);
      if (inside !== undefined && goes !== undefined) await this.#goOut(inside, goes, onLate);
      else if (inside !== undefined || !wish.rests) {
        wish.rest();
        if (!hasApps) wish.settle();
      }
      await joining.told({ kind: "told to leave" });
    } finally {
      handOver.stay(); // of its next house, or of this one after all
    }
    return { kind: "Left", stays: whatStays(dataDir, await this.left.remove()) };
  }

  handOver(withinMs: number, signal: AbortSignal): Promise<HandedOver> {
    return this.#options.handOver.go("away", withinMs, signal);
  }

  stay(): void {
    this.#options.handOver.stay();
  }

  async removal(name: string, signal: AbortSignal): Promise<Pick<Transaction, "compare" | "writes">> {
    const inside = this.#inside("remove a computer");
    const { roster } = await new RecordsReader(inside.store, this.#options.clock).read(signal);
    const node = roster.values().find((each) => each.name === name || each.nodeId === name);
    if (node !== undefined && node.name !== name)
      throw new ApiError("Conflict", `Cannot remove ${name}: it is ${node.name}.`, { next: `fossora node remove ${node.name}` });
    if (node !== undefined) return this.#departure(inside, { nodeId: node.nodeId, name, removed: true }, signal);
    // It never came in: it may have certificates, for which a person names its key, or a Membership that was applied before.
    return isNodeId(name) ? departure(name, 0, { name, removed: true }) : { compare: [], writes: [] };
  }

  replace(names: { readonly former: string; readonly newcomer?: string }, signal: AbortSignal): Promise<ReplaceAnswer> {
    const { nodeId } = this.#options;
    const joining = this.#joining;
    const inside = this.#inside("replace a computer");
    return replaceNode(
      names,
      {
        store: inside.store,
        look: () => this.#lookAnew(inside, signal),
        waiting: () => this.#approvals("replace a computer").list(signal),
        comeAgain: async (node) => {
          if (node.nodeId === nodeId) await joining.told({ kind: "told to leave" });
          else await Promise.any(node.addresses.map((address) => joining.ask({ nodeId: node.nodeId, address }, "come-again", null)));
        },
      },
      signal,
    );
  }

  joining(): JoiningReport {
    const { name, wish, clock } = this.#options;
    const joining = this.#joining;
    const { joiner } = joining;
    const house = joining.seen?.house;
    const kind = this.#phaseNow();
    if (this.#phase?.kind !== kind) this.#phase = { kind, sinceMs: clock.now() };
    const { phase } = joiner;
    this.#fulfil();
    const asked = phase.kind === "asking" || phase.kind === "starting" ? { id: phase.house.id } : undefined;
    const whose = house === undefined ? asked : { id: house.id, nodes: house.nodes };
    const wanted = wish.wish;
    return {
      kind: "Joining",
      node: name(),
      phase: kind,
      forMs: clock.now() - this.#phase.sinceMs,
      words: this.#words(),
      said: joining.words,
      ...(whose !== undefined && { house: whose }),
      ...(wanted !== undefined && { wish: { addresses: wanted.addresses, hasToken: wanted.token !== undefined } }),
      problems: [...this.#options.copies(), ...(kind === "member" || kind === "resting" ? [] : this.#problems())],
    };
  }

  async computers(signal: AbortSignal): Promise<HouseComputers | undefined> {
    const { inside } = this.#joining;
    // Before the first look nothing can be said.
    if (inside?.sight.records === undefined) return undefined;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(WAITING_LIMIT_MS)]);
    const [{ view: _, ...look }, waiting, leaving] = await Promise.all([
      this.#lookRound(inside),
      this.waiting(limit).catch(() => []), // without a store nobody is let in
      namesLeaving(inside.store, inside.sight, limit).catch(() => undefined),
    ]);
    return { ...look, waiting, ...(leaving && { leaving }) };
  }

  #lookRound(inside: Inside): Promise<HouseLook> {
    const { dataDir, nodeId, versions, replaceAfterMs, clock } = this.#options;
    const joining = this.#joining;
    const known = this.#look;
    if (known?.inside === inside && clock.now() - known.atMs < LOOK_FRESH_MS) return known.answer;
    const answer = lookRound({
      inside,
      self: nodeId,
      versions,
      storeLog: storeLogOf(dataDir),
      replaceAfterMs: replaceAfterMs(),
      ask: (to, method) => joining.ask(to, method, null),
      heardAtMs: (each) => joining.encounters.heardAtMs(each),
      clock,
      signal: AbortSignal.timeout(LEAVE_MAX_MS),
    });
    this.#look = { inside, atMs: clock.now(), answer };
    return answer;
  }

  /** Votes may have moved since it was last looked. */
  async #lookAnew(inside: Inside, signal: AbortSignal): Promise<HouseLook> {
    await inside.sight.look(signal);
    this.#look = undefined;
    return this.#lookRound(inside);
  }

  #phaseNow(): JoiningPhase {
    const { joiner, encounters } = this.#joining;
    return phaseForPeople(joiner.phase, { rests: this.#options.wish.rests, isRefused: encounters.refusal !== undefined });
  }

  /** Of a person, as far as it has not come true. */
  get pendingWish(): Wish | undefined {
    this.#fulfil();
    return this.#options.wish.wish;
  }

  /** A wish that has come true is none any more. */
  #fulfil(): void {
    const { wish } = this.#options;
    const joining = this.#joining;
    const wanted = wish.wish;
    const house = joining.seen?.house;
    if (wanted === undefined || house === undefined) return;
    const isThere = wanted.token === undefined ? house.nodes > 1 : wanted.token.houseHash === house.id;
    if (isThere) wish.clear();
  }

  #problems(): JoiningReport["problems"] {
    const { wish, tailnet, clock } = this.#options;
    const joining = this.#joining;
    const wanted = wish.wish;
    const failures = joining.encounters.failures.map(({ address, error }) => ({
      address,
      failure: failureOf(error),
      ...(error instanceof Error && failureOf(error) === "stranger" && { name: error.message }),
    }));
    return searchProblems({
      tailnet: tailnet(),
      named: [...(wanted === undefined ? [] : wantedHouse(wanted).addresses), ...joining.formerMembers],
      failures,
      wall: clock.wall(),
    });
  }

  #words(): string {
    this.#ownWords ??= wordsOf(publicDerOf(loadNodeKey(this.#options.dataDir)));
    return this.#ownWords;
  }

  /** Its apps first, if it may go at all: what cannot move in time stops with it. */
  async #handedOver(inside: Inside, force: boolean, signal: AbortSignal): Promise<Pick<Transaction, "compare" | "writes"> | undefined> {
    if ((await this.#ownDeparture(inside, signal)) === undefined) return undefined;
    const { handOver, name } = this.#options;
    await handOver.go("for good", HAND_OVER_MAX_MS, signal);
    if (!force) mustHaveStopped(name(), handOver.stopping);
    return this.#ownDeparture(inside, signal); // votes and roster may be others now
  }

  async #ownDeparture(inside: Inside, signal: AbortSignal): Promise<Pick<Transaction, "compare" | "writes"> | undefined> {
    const { nodeId, name } = this.#options;
    const { roster } = inside.sight.records ?? {};
    if (roster === undefined || !inside.sight.isFresh)
      throw new ApiError(
        "NoQuorum",
        "Cannot leave: the house's store does not answer, and the others would go on counting on this computer.",
        {
          next: "fossora status; or, where it was removed there: fossora leave --force",
        },
      );
    // Once it is out of the roster it still waits until the others need its vote no more.
    if (roster.keys().every((each) => each === nodeId)) return undefined;
    const own = name();
    const { compare, writes } = await this.#departure(inside, { nodeId, name: own, removed: false }, signal);
    return { compare, writes: [...writes, ...(await membershipWrites(inside.store, own, signal))] };
  }

  async #departure(
    inside: Inside,
    { nodeId, ...going }: { readonly nodeId: string; readonly name: string; readonly removed: boolean },
    signal: AbortSignal,
  ): Promise<Pick<Transaction, "compare" | "writes">> {
    const { view } = await this.#lookAnew(inside, signal);
    const problem = removalProblem(view, nodeId);
    if (problem !== undefined) {
      const cannot = going.removed ? `Cannot remove ${going.name}` : "Cannot leave";
      throw new ApiError("Conflict", `${cannot}: ${problem}.`, { next: "fossora status" });
    }
    const entry = await inside.store.get(keys.houseNode(nodeId), signal);
    return departure(nodeId, entry?.modRevision ?? 0, going);
  }

  /** Until no store of the house counts on this node's any more: to go before would take its vote along. */
  async #goOut(inside: Inside, out: Pick<Transaction, "compare" | "writes">, onLate: () => void): Promise<void> {
    const { clock } = this.#options;
    const { signal } = this.#ending;
    const isOver = (): boolean => this.#joining.inside !== inside;
    const cancel = clock.timer(UNKNOWN_MAX_MS, onLate);
    await leaveRoster({ ...this.#options, store: inside.store, isOver }, out, signal).finally(cancel);
    const untilMs = clock.now() + LEAVE_MAX_MS;
    while (!isOver() && inside.membership.memberId !== undefined && !inside.sight.isTakenOut) {
      if (clock.now() >= untilMs)
        throw new ApiError("Conflict", "The others still need this computer's vote; it leaves by itself as soon as they do not.", {
          next: "fossora status",
        });
      await clock.sleep(LEAVE_EVERY_MS, signal);
    }
  }

  /** Throws where this node belongs to no house. */
  #inside(what: string): Inside {
    const { inside } = this.#joining;
    if (inside === undefined)
      throw new ApiError("Conflict", `Cannot ${what}: this computer belongs to no house yet.`, { next: "fossora status" });
    return inside;
  }

  #approvals(what: string): Approvals {
    return new Approvals({ store: this.#inside(what).store, clock: this.#options.clock });
  }
}
