// What proofs say of whoever asks to join, in the words of the joining: a token, the tailnet, a person, or nothing yet.
import { MeshRefusal } from "../api/errors.ts";
import type { JoinTrust } from "../joining/messages.ts";
import type { MeshPeer } from "../mesh-ports.ts";
import type { Store } from "../ports.ts";
import type { TailnetSettings } from "../trust/tailnet.ts";
import type { Approvals } from "./approvals.ts";
import { redeemInvite, type Proven } from "./invites.ts";
import { proveAsker, type TailnetProofPorts } from "./tailnet-proof.ts";

export const WAS_REMOVED = "it was removed from this house, and comes back with a new key alone";
export const WAS_REJECTED = "a person there said no to it; a token lets it in, and in an hour it may ask again";

export interface AskerTrust {
  readonly trust: JoinTrust;
  /** For people, and for the log. */
  readonly because: string;
  /** What goes back: proven too where a token was. */
  readonly answer: (message: unknown) => Proven;
}

export interface AskerTrustPorts extends TailnetProofPorts {
  readonly store: Store;
  readonly approvals: Pick<Approvals, "wordOn">;
  readonly removed: () => readonly string[];
}

/** Throws what the store throws. Who needs approval, and whom the house lets in by approval alone, is written down by `Approvals.ask`. */
export async function judgeAsker(
  peer: MeshPeer,
  proven: Proven,
  ports: AskerTrustPorts,
  options: { readonly settings: TailnetSettings; readonly signal: AbortSignal },
): Promise<AskerTrust> {
  const plain = (message: unknown): Proven => ({ message });
  if (ports.removed().includes(peer.nodeId)) return { trust: "refused", because: WAS_REMOVED, answer: plain };
  if (proven.proof !== undefined) {
    try {
      const answer = await redeemInvite(ports.store, peer, proven, options.signal);
      return { trust: "approved", because: "it has a token of this house", answer };
    } catch (error) {
      if (error instanceof MeshRefusal) return { trust: "refused", because: error.message, answer: plain };
      throw error;
    }
  }
  const word = await ports.approvals.wordOn(peer.nodeId, options.signal);
  if (word === "yes") return { trust: "approved", because: "a person has approved it", answer: plain };
  if (word === "no") return { trust: "refused", because: WAS_REJECTED, answer: plain };
  return { ...(await proveAsker(peer, ports, options)), answer: plain };
}
