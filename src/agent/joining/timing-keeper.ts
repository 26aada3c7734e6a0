// The links of one member and the patience of its store: measures the way to the other nodes, and starts its store anew when the house has
// decided another timing, or a removed node may still be heard, and its turn has come.
import { keys } from "../../api/keys.ts";
import { MeshRefusal } from "../../api/errors.ts";
import type { HouseNode } from "../../joining/house-view.ts";
import type { Ms } from "../../joining/house-view.ts";
import type { NodeId } from "../../joining/messages.ts";
import { hostsOfUrls } from "../../joining/peer-urls.ts";
import { addRoundTrip, noRoundTrips, roundTripP99, type RoundTrips } from "../../joining/round-trips.ts";
import { readTiming, type Timing } from "../../joining/timing.ts";
import type { MemberReport } from "../../joining/timing-plan.ts";
import type { Clock, Log, Store } from "../../ports.ts";
import { setStoreTiming, storeTiming } from "../etcd.ts";
import { isTailnet } from "../../ingress/address.ts";
import { splitAddress } from "./addresses.ts";
import type { RemovedGuests } from "./removed-guests.ts";
import { measureRoundTrip, type MeterTarget } from "./round-trip-meter.ts";

export interface TimingKeeperOptions {
  readonly dataDir: string;
  readonly nodeId: NodeId;
  readonly store: Pick<Store, "get">;
  readonly roster: () => ReadonlyMap<NodeId, HouseNode>;
  /** The store does not listen on all of this computer's addresses yet. */
  readonly hasMoreAddresses: () => boolean;
  /** Starts the store beside this agent anew if it runs otherwise than its disk says, or in any case; resolves when it serves again. */
  readonly restart: (how: { readonly inAnyCase: boolean; readonly onEnded: () => void }, signal: AbortSignal) => Promise<void>;
  readonly guests: Pick<RemovedGuests, "mayBeThere" | "seeOut">;
  /** Milliseconds; undefined: nobody answered. */
  readonly measure?: (target: MeterTarget, signal: AbortSignal) => Promise<number | undefined>;
  readonly localAddress?: string;
  readonly clock: Clock;
  readonly log: Log;
}

type Report = Omit<MemberReport, "atMs">;

const MEASURE_EVERY_MS = 5_000;
/** Until all that are there are known. */
const MEASURE_FIRST_MS = 1_000;
/** Rounds. */
const LOOK_ROUND_EACH = 24;
/** Members of the house are few; workers keep no store. */
const NODES_MAX = 32;
/** Longer than a switch takes to start, or a person to find the cable. */
const LAN_AWAY_MS = 3 * 60_000;
const RESTART_LIMIT_MS = 30_000;

export class TimingKeeper {
  readonly #options: TimingKeeperOptions;
  readonly #roundTrips = new Map<NodeId, RoundTrips>();
  /** By which address each node was reached the last time. */
  readonly #ways = new Map<NodeId, string>();
  /** When each was last reached over the LAN. */
  readonly #onLanAtMs = new Map<NodeId, Ms>();
  #rounds = 0;
  /** With which the store runs. */
  #timing: Timing;
  #restarting = false;

  constructor(options: TimingKeeperOptions) {
    this.#options = options;
    this.#timing = storeTiming(options.dataDir);
  }

  report(): Report {
    const nowMs = this.#options.clock.now();
    const known = [...this.#roundTrips].flatMap(([nodeId, trips]) => {
      const p99 = roundTripP99(trips, nowMs);
      return p99 === undefined ? [] : [[nodeId, Math.round(p99 * 10) / 10] as const];
    });
    return {
      timing: this.#timing,
      roundTripP99Ms: Object.fromEntries(known),
      overTailnet: [...this.#ways].flatMap(([nodeId, address]) => (isTailnet(address) && !this.#wasOnLan(nodeId) ? [nodeId] : [])),
      ...(this.#options.hasMoreAddresses() && { hasMoreAddresses: true }),
      ...(this.#options.guests.mayBeThere() && { mayServeRemoved: true }),
    };
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      await this.#measureAll(signal);
      const known = Object.keys(this.report().roundTripP99Ms).length;
      await clock.sleep(known < this.#roundTrips.size ? MEASURE_FIRST_MS : MEASURE_EVERY_MS, signal).catch(() => undefined);
    }
  }

  /** What the store says now counts, whoever asks. Throws MeshRefusal where there is nothing to do or it is being done. */
  async restart(signal: AbortSignal): Promise<void> {
    const { store, dataDir, restart, hasMoreAddresses, guests, log } = this.#options;
    if (this.#restarting) throw new MeshRefusal("Busy", "The store is starting anew already");
    this.#restarting = true;
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(RESTART_LIMIT_MS)]);
      const value = (await store.get(keys.timing, limit))?.value;
      const inAnyCase = guests.mayBeThere();
      const hasReason = inAnyCase || hasMoreAddresses();
      const timing = value === undefined && hasReason ? this.#timing : readTiming(JSON.parse(value ?? "null"));
      if (timing === undefined) throw new MeshRefusal("NothingToDo", "The house has decided no timing that this node knows");
      if (JSON.stringify(timing) === JSON.stringify(this.#timing) && !hasReason) return;
      setStoreTiming(dataDir, timing);
      const areOut = guests.seeOut();
      await restart({ inAnyCase, onEnded: () => inAnyCase && areOut() }, limit);
      this.#timing = timing;
      log.info("Store started anew", { ...timing });
    } finally {
      this.#restarting = false;
    }
  }

  /** A LAN that is away for a moment makes no house of a tailnet: its patience would stay for an hour. */
  #wasOnLan(nodeId: NodeId): boolean {
    const atMs = this.#onLanAtMs.get(nodeId);
    return atMs !== undefined && this.#options.clock.now() - atMs < LAN_AWAY_MS;
  }

  async #measureAll(signal: AbortSignal): Promise<void> {
    const { roster, nodeId } = this.#options;
    const others = [...roster().values()].filter((node) => node.nodeId !== nodeId).slice(0, NODES_MAX);
    for (const map of [this.#roundTrips, this.#ways, this.#onLanAtMs])
      for (const known of map.keys()) if (!others.some((node) => node.nodeId === known)) map.delete(known);
    this.#rounds += 1;
    await Promise.all(others.map((node) => this.#measure(node, signal)));
  }

  /** As etcd speaks to it: over the LAN if it is there, else over the tailnet. */
  async #measure(node: HouseNode, signal: AbortSignal): Promise<void> {
    const { measure = measureRoundTrip, localAddress, clock } = this.#options;
    const ways = waysTo(node);
    const known = ways.find(({ address }) => address === this.#ways.get(node.nodeId));
    // A LAN that does not lead there takes long to say so; one that did is tried until it is clear that it does no more.
    const looksRound = known === undefined || this.#wasOnLan(node.nodeId) || this.#rounds % LOOK_ROUND_EACH === 0;
    for (const way of looksRound ? ways : [known]) {
      const tookMs = await measure({ ...way, ...(localAddress !== undefined && { localAddress }) }, signal);
      if (signal.aborted) return;
      if (tookMs === undefined) continue;
      if (!isTailnet(way.address)) this.#onLanAtMs.set(node.nodeId, clock.now());
      this.#ways.set(node.nodeId, way.address);
      if (isTailnet(way.address) && this.#wasOnLan(node.nodeId)) return;
      this.#roundTrips.set(node.nodeId, addRoundTrip(this.#roundTrips.get(node.nodeId) ?? noRoundTrips, tookMs, clock.now()));
      return;
    }
    this.#ways.delete(node.nodeId);
  }
}

/** To the addresses that its store has, at the port that its agent has: etcd would complain about who comes and goes. */
function waysTo({ request, addresses }: HouseNode): readonly MeterTarget[] {
  const known = addresses.map(splitAddress);
  return hostsOfUrls(request.peerUrl).map((host) => {
    const { port } = known.find(({ address }) => address === host) ?? known[0] ?? splitAddress(host);
    return { address: host, port };
  });
}

/** What another agent says of its member; undefined: nothing that this release understands. */
export function readReport(value: unknown): Report | undefined {
  const {
    timing: said,
    roundTripP99Ms,
    overTailnet,
    hasMoreAddresses,
    mayServeRemoved,
  } = (typeof value === "object" && value !== null ? value : {}) as Partial<Record<keyof Report, unknown>>; // looked at below
  const timing = readTiming(said);
  if (timing === undefined || typeof roundTripP99Ms !== "object" || roundTripP99Ms === null) return undefined;
  const measured = Object.entries(roundTripP99Ms).filter((each): each is [string, number] => typeof each[1] === "number" && each[1] >= 0);
  const tailnet: readonly unknown[] = Array.isArray(overTailnet) ? overTailnet : [];
  return {
    timing,
    roundTripP99Ms: Object.fromEntries(measured.slice(0, NODES_MAX)),
    overTailnet: tailnet.filter((each) => typeof each === "string").slice(0, NODES_MAX),
    ...(hasMoreAddresses === true && { hasMoreAddresses }),
    ...(mayServeRemoved === true && { mayServeRemoved }),
  };
}
