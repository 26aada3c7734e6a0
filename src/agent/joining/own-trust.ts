// What a joining node shows on 733 and whom it believes there: as its disk says, and the house that it asks to let it in.
import type { MeshTrust } from "../../adapters/mesh/identify.ts";
import { MeshRefusal } from "../../api/errors.ts";
import type { Phase } from "../../joining/joiner-state.ts";
import type { HouseState, Message, Trust } from "../../joining/messages.ts";
import { speaksFor } from "../../joining/two-houses.ts";
import type { MeshPeer } from "../../mesh-ports.ts";
import type { Token } from "../../trust/token.ts";
import { WAS_REMOVED } from "../asker-trust.ts";
import { loadMeshTrust } from "../mesh-trust.ts";
import type { Part } from "../tailnet-proof.ts";
import { removedNodes } from "../trust.ts";
import { mayTell, REMOVED } from "./spoken.ts";

export interface OwnTrustOptions {
  readonly dataDir: string;
  readonly phase: () => Phase;
  /** Of `fossora join`. */
  readonly token: () => Token | undefined;
  /** What the tailnet says of one without a certificate of our house. */
  readonly strangerTrust: (peer: MeshPeer, as: Part, signal: AbortSignal) => Promise<Trust>;
  /** It is this from now on. */
  readonly onTrust: (trust: MeshTrust) => void;
}

const HOUSES_MAX = 32;

export class OwnTrust {
  readonly #options: OwnTrustOptions;
  /** CAs of houses that were met, by the hash of their keys. */
  readonly #authorities = new Map<string, string>();
  #now: MeshTrust;

  constructor(now: MeshTrust, options: OwnTrustOptions) {
    this.#now = now;
    this.#options = options;
  }

  get now(): MeshTrust {
    return this.#now;
  }

  /** Whoever speaks for the house that this node asks must be known by it at its next word. */
  async remember({ house }: MeshPeer): Promise<void> {
    if (house === undefined || this.#authorities.has(house.hash)) return;
    const [oldest] = [...this.#authorities.keys()].filter((hash) => hash !== this.#asked);
    if (this.#authorities.size >= HOUSES_MAX && oldest !== undefined) this.#authorities.delete(oldest);
    this.#authorities.set(house.hash, house.ca);
    if (house.hash === this.#asked) await this.show();
  }

  async in(peer: MeshPeer, as: Part, signal: AbortSignal): Promise<Trust> {
    const { dataDir, token, phase, strangerTrust } = this.#options;
    if (removedNodes(dataDir).includes(peer.nodeId)) return "refused";
    if (peer.standing === "member") return "trusted";
    const wanted = token();
    if (wanted !== undefined && phase().kind !== "member" && peer.house !== undefined)
      return peer.house.hash === wanted.houseHash ? "trusted" : "refused";
    return strangerTrust(peer, as, signal);
  }

  /**
   * Whoever says that it belongs to this node's house, and was removed while it was off, is told so: it would run its apps from its copy for ever.
   * Throws MeshRefusal.
   */
  mustNotBeRemoved({ nodeId }: Pick<MeshPeer, "nodeId">, { from: { house } }: Message): void {
    const { dataDir } = this.#options;
    const own = this.#house;
    if (house === undefined || own === undefined || !speaksFor(own, house)) return;
    if (removedNodes(dataDir).includes(nodeId)) throw new MeshRefusal(REMOVED, `The house knows this node no more: ${WAS_REMOVED}.`);
  }

  /** Who says so may tell it. */
  wasRemovedBy(peer: Pick<MeshPeer, "standing" | "house">): boolean {
    return this.#house !== undefined && mayTell(peer, this.#house.id);
  }

  /** What this node shows and believes follows from its disk, and from whom it asks. */
  async show(): Promise<void> {
    const { dataDir, onTrust } = this.#options;
    const ca = this.#authorities.get(this.#asked ?? "");
    const trust = await loadMeshTrust(dataDir, ca === undefined ? undefined : { ca });
    if (JSON.stringify(trust) === JSON.stringify(this.#now)) return;
    this.#now = trust;
    onTrust(trust);
  }

  /** Of a member. */
  get #house(): Pick<HouseState, "id" | "epoch" | "clusterId"> | undefined {
    const phase = this.#options.phase();
    if (phase.kind !== "member") return undefined;
    const { houseId: id, epoch, clusterId } = phase.membership;
    return { id, epoch, clusterId };
  }

  /** The house. */
  get #asked(): string | undefined {
    const phase = this.#options.phase();
    return phase.kind === "asking" || phase.kind === "starting" ? phase.house.id : undefined;
  }
}
