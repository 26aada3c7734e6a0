// When a node that has lost contact with its house ends by itself what another one may start then. Contact and time go in, whether to end
// and whether to start come out. The agent runs it with its lease, the ingress with what agent and other nodes tell it. Pure.
import { FENCE_AFTER_MS, START_WITHIN_MS } from "../api/fence-times.ts";

export interface Fence {
  /** On this node's boot-time clock; undefined: nothing is known yet. */
  readonly contactAtMs: number | undefined;
  readonly losses: number;
  /**
   * `beginning`: it is not known yet how things stand, what runs goes on until the contact is too old. `closed`: the contact was lost, and
   * nothing may run until the house is known to know of this node.
   */
  readonly state: "beginning" | "open" | "closed";
  /** It was closed, and what ran was not ended since: whatever contact there is meanwhile. */
  readonly isDue: boolean;
}

export interface Contact {
  /** When it was sent what was answered last. */
  readonly atMs: number | undefined;
  /** How often the house has said that it had given this node up, as after a pause in which this node's clock stood still. */
  readonly losses: number;
  /** The house knows that this node is here, and this node knows what was decided until then. */
  readonly isKnown: boolean;
}

/** `contactAtMs`: the last contact that is known of, or now. */
export function newFence(contactAtMs: number): Fence {
  return { contactAtMs, losses: 0, state: "beginning", isDue: false };
}

export function withContact(fence: Fence, contact: Contact, nowMs: number): Fence {
  const contactAtMs = latest(fence.contactAtMs, contact.atMs);
  const isLost = contactAtMs === undefined || nowMs - contactAtMs >= FENCE_AFTER_MS;
  // Who slept, or stood still, finds the contact back before it could see that it was lost.
  const wasLost = fence.contactAtMs !== undefined && contactAtMs !== undefined && contactAtMs - fence.contactAtMs >= FENCE_AFTER_MS;
  const isGivenUp = contact.losses > fence.losses;
  const isDue = fence.isDue || (fence.state !== "closed" && (isLost || wasLost || isGivenUp));
  const state = isLost || isDue ? "closed" : contact.isKnown ? "open" : fence.state;
  const isSame = contactAtMs === fence.contactAtMs && !isGivenUp && state === fence.state && isDue === fence.isDue;
  return isSame ? fence : { contactAtMs, losses: contact.losses, state, isDue };
}

/** Everything under it was just killed. */
export function ended(fence: Fence): Fence {
  return fence.isDue ? { ...fence, isDue: false } : fence;
}

/** Whether something may be started at this moment. */
export function mayStart({ contactAtMs, state }: Fence, { isKnown }: Contact, nowMs: number): boolean {
  return state === "open" && isKnown && contactAtMs !== undefined && nowMs - contactAtMs < START_WITHIN_MS;
}

function latest(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.max(one, other);
}

/** What this node may tell another one's ingress: when the house, which counts that one as alive, was last heard, on this node's clock. */
export function contactToPassOn({
  renewedAtMs,
  answeredAtMs,
  isDown,
}: {
  readonly renewedAtMs: number | undefined;
  readonly answeredAtMs: number | undefined;
  readonly isDown: boolean;
}): number | undefined {
  return isDown || renewedAtMs === undefined || answeredAtMs === undefined ? undefined : Math.min(renewedAtMs, answeredAtMs);
}
