// The door of one member: takes requests to join and new addresses into the store, for whoever leads to go on with.
import { keys } from "../../api/keys.ts";
import { MeshRefusal } from "../../api/errors.ts";
import type { Departure } from "../../joining/house-view.ts";
import { movedNode, openDoor, tryAnother, type DoorView } from "../../joining/door.ts";
import type { Join, Moved, Sender, Trust } from "../../joining/messages.ts";
import { queueChange } from "../../joining/store-change.ts";
import type { MeshPeer } from "../../mesh-ports.ts";
import type { Clock, Log, Store } from "../../ports.ts";
import type { Approvals } from "../approvals.ts";
import { WAS_REJECTED, WAS_REMOVED, type AskerTrust } from "../asker-trust.ts";
import type { Proven } from "../invites.ts";
import { plainHost } from "./addresses.ts";
import { RecordsReader } from "./house-records.ts";
import type { HouseSight } from "./house-sight.ts";

export interface DoorOptions {
  readonly store: Store;
  readonly sight: Pick<HouseSight, "seen">;
  readonly self: () => Sender;
  /** Of the members' etcd. */
  readonly clusterVersion: string;
  readonly approvals: Pick<Approvals, "ask">;
  /** Of one without a certificate of this house. Throws what the store throws. */
  readonly judge: (peer: MeshPeer, proven: Proven, signal: AbortSignal) => Promise<AskerTrust>;
  /** One asks, and a person should know. */
  readonly onAsked: (asked: { readonly name: string; readonly address: string; readonly waits: boolean }) => void;
  readonly clock: Clock;
  readonly log: Log;
}

const LIMIT_MS = 8_000;

export class HouseDoor {
  readonly #options: DoorOptions;
  readonly #records: RecordsReader;

  constructor(options: DoorOptions) {
    this.#options = options;
    this.#records = new RecordsReader(options.store, options.clock);
  }

  /**
   * Throws MeshRefusal for one that is not let in, or cannot be judged while the store does not answer: who gets an answer is told the house and
   * where all of it is.
   */
  async join(peer: MeshPeer, proven: Proven, join: Join, signal: AbortSignal): Promise<Proven> {
    const { self, sight, log } = this.#options;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(LIMIT_MS)]);
    const asker = await this.#judge(peer, proven, limit);
    if (asker.trust === "refused") {
      log.info("Asked to join", { nodeId: peer.nodeId, address: peer.address, trust: asker.trust, because: asker.because });
      throw new MeshRefusal("Refused", refusalOf(asker, proven));
    }
    try {
      return await this.#join(peer, join, asker, limit);
    } catch (error) {
      this.#notTaken(peer, error);
      return asker.answer(tryAnother({ self: self(), members: sight.seen.members }));
    }
  }

  async moved(moved: Moved, trust: Trust, signal: AbortSignal): Promise<void> {
    const { store } = this.#options;
    const key = keys.houseNode(moved.from.nodeId);
    const [entry, { roster }] = await Promise.all([store.get(key, signal), this.#records.read(signal)]);
    const node = entry && movedNode(roster, moved, trust);
    if (node === undefined) return;
    // Lost to somebody quicker: it is said again.
    await store.commit(
      { compare: [{ key, modRevision: entry?.modRevision ?? 0 }], writes: [{ put: key, value: JSON.stringify(node) }] },
      signal,
    );
  }

  async #judge(peer: MeshPeer, proven: Proven, signal: AbortSignal): Promise<AskerTrust> {
    try {
      if (await this.#isLeaving(peer.nodeId, signal)) return leaving;
      return peer.standing === "member" ? ofTheHouse : await this.#options.judge(peer, proven, signal);
    } catch (error) {
      this.#notTaken(peer, error);
      if (peer.standing === "member") return ofTheHouse;
      throw new MeshRefusal("TryAnother", "The house's store does not answer here");
    }
  }

  async #join(peer: MeshPeer, join: Join, { trust, because, answer }: AskerTrust, signal: AbortSignal): Promise<Proven> {
    const { store, approvals, onAsked, log, sight } = this.#options;
    const view = await this.#view(peer.nodeId, signal);
    const opened = openDoor(view, join, trust);
    log.info("Asked to join", { nodeId: peer.nodeId, address: peer.address, trust, because, verdict: opened.answer.verdict });
    const waits = opened.answer.verdict === "waits for approval";
    if (waits) await approvals.ask(peer, join.from.name, signal);
    const { change } = opened;
    const done = change === undefined || (await store.commit(queueChange(change), signal)).committed;
    if (done && (waits || change !== undefined)) onAsked({ name: join.from.name, address: plainHost(peer.address), waits });
    return answer(done ? opened.answer : tryAnother({ self: view.self, members: sight.seen.members }));
  }

  /** Throws what is an answer. */
  #notTaken({ nodeId }: MeshPeer, error: unknown): void {
    if (error instanceof MeshRefusal) throw error;
    this.#options.log.debug("A request to join was not taken", { nodeId, error: String(error) });
  }

  /** It was taken out just now, and its certificates are still to be struck off. */
  async #isLeaving(nodeId: string, signal: AbortSignal): Promise<boolean> {
    const entry = await this.#options.store.get(keys.leaving(nodeId), signal);
    return entry !== undefined && (JSON.parse(entry.value) as Departure).removed; // written by `departed` alone
  }

  async #view(nodeId: string, signal: AbortSignal): Promise<DoorView> {
    const { self, sight, clusterVersion, store } = this.#options;
    const [{ entries, roster }, replaces] = await Promise.all([this.#records.read(signal), store.get(keys.replaces(nodeId), signal)]);
    return {
      self: self(),
      entries,
      roster,
      joining: sight.seen.house.joining,
      clusterVersion,
      members: sight.seen.members,
      ...(replaces !== undefined && { replaces: replaces.value }),
    };
  }
}

const leaving: AskerTrust = {
  trust: "refused",
  because: WAS_REMOVED,
  answer: (message) => ({ message }),
};

const ofTheHouse: AskerTrust = {
  trust: "trusted",
  because: "it has a certificate of this house",
  answer: (message) => ({ message }),
};

/** Nobody else than the one that was removed or rejected, or whose token it is, hears why: it is this house's own business. */
function refusalOf({ because }: AskerTrust, { proof }: Proven): string {
  if ([WAS_REMOVED, WAS_REJECTED].includes(because)) return `The house does not let this node in: ${because}.`;
  return proof === undefined ? "The house does not let this node in: it does not know whose computer it is." : because;
}
