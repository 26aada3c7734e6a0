// What the tailnet says of one without a certificate of our house: asked once for a while, and by a few at a time.
import { dial } from "../../adapters/mesh/client.ts";
import type { MeshTrust } from "../../adapters/mesh/identify.ts";
import { MeshRefusal } from "../../api/errors.ts";
import type { Trust } from "../../joining/messages.ts";
import type { MeshPeer } from "../../mesh-ports.ts";
import type { Clock } from "../../ports.ts";
import type { TailnetSettings } from "../../trust/tailnet.ts";
import { judgeAsker } from "../asker-trust.ts";
import { proveAnswerer, proveAsker, type Part, type TailnetProofPorts } from "../tailnet-proof.ts";
import { removedNodes } from "../trust.ts";
import { MESH_PORT } from "./addresses.ts";
import type { Judge } from "./inside.ts";

export interface StrangerTrustOptions {
  readonly ports: TailnetProofPorts;
  /** As the House has them now; of a fresh node nothing but what it was started with. */
  readonly settings: () => TailnetSettings;
  readonly clock: Pick<Clock, "now">;
}

const CALL_BACK_MS = 2_000;
const PROOF_MS = 8_000;
/** A device stays whose it is; but a person may take it out of the tailnet. */
const TRUSTED_MS = 60_000;
/** It may be about to listen on 733, or to be let in by the tailnet's policy. */
const UNTRUSTED_MS = 3_000;
const KNOWN_MAX = 512;
const AT_ONCE_MAX = 32;

interface Known {
  readonly trust: Trust;
  readonly untilMs: number;
}

export class StrangerTrust {
  readonly #options: StrangerTrustOptions;
  readonly #known = new Map<string, Known>();
  readonly #underWay = new Map<string, Promise<Trust>>();

  constructor(options: StrangerTrustOptions) {
    this.#options = options;
  }

  /** Throws MeshRefusal where too many ask at once, and at the signal. */
  async of(peer: Pick<MeshPeer, "address" | "port" | "nodeId">, as: Part, signal: AbortSignal): Promise<Trust> {
    const { settings, clock } = this.#options;
    // Only root answers on 733: who was called there need not be called once more. Of who called, the port says nothing.
    const answers = as === "answerer" && peer.port === MESH_PORT;
    const key = `${answers} ${peer.nodeId} ${peer.address} ${settings().tags.join()}`;
    const known = this.#known.get(key);
    if (known !== undefined && clock.now() < known.untilMs) return known.trust;
    const underWay = this.#underWay.get(key);
    if (underWay !== undefined) return underWay;
    if (this.#underWay.size >= AT_ONCE_MAX) throw new MeshRefusal("Busy", "Too many ask this node at once; ask again in a moment");
    const late = AbortSignal.timeout(PROOF_MS);
    const proving = this.#prove(peer, answers, AbortSignal.any([signal, late])).catch((error: unknown) => {
      // The tailnet's program hangs: of whom it tells nothing a person may know.
      if (late.aborted && !signal.aborted) return "needs approval" as const;
      throw error;
    });
    this.#underWay.set(key, proving);
    try {
      const trust = await proving;
      this.#remember(key, { trust, untilMs: clock.now() + (trust === "trusted" ? TRUSTED_MS : UNTRUSTED_MS) });
      return trust;
    } finally {
      this.#underWay.delete(key);
    }
  }

  async #prove(peer: Pick<MeshPeer, "address" | "nodeId">, answers: boolean, signal: AbortSignal): Promise<Trust> {
    const { ports, settings } = this.#options;
    const options = { settings: settings(), signal };
    const { trust } = answers ? await proveAnswerer(peer.address, ports, options) : await proveAsker(peer, ports, options);
    return trust;
  }

  #remember(key: string, known: Known): void {
    this.#known.delete(key);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= KNOWN_MAX && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(key, known);
  }
}

/** Who answers on 733 of an address. */
export function callBackWith(options: { readonly trust: () => MeshTrust; readonly localAddress?: string }): TailnetProofPorts["callBack"] {
  const { trust, localAddress } = options;
  return async (address, signal) => {
    const from = localAddress === undefined ? {} : { localAddress };
    const link = await dial({ address, port: MESH_PORT, ...from, trust: trust(), limitMs: CALL_BACK_MS, signal });
    link.close();
    return link.peer.nodeId;
  };
}

/** Of those who ask to join: a token, a person's word, or the tailnet. */
export function judgeWith(options: StrangerTrustOptions & { readonly dataDir: string }): Judge {
  const { ports, settings, dataDir } = options;
  return ({ peer, proven }, { store, approvals }, signal) =>
    judgeAsker(peer, proven, { ...ports, store, approvals, removed: () => removedNodes(dataDir) }, { settings: settings(), signal });
}
