// One name on one LAN segment: from its first probe to its announcements, or until it is given up (RFC 6762, 8 and 9). Pure.

export interface Claim {
  readonly state: "probing" | "owned" | "yielded";
  /** Probes or announcements that are still to be sent. */
  readonly left: number;
  /** Infinity: nothing is due. */
  readonly dueAtMs: number;
  /** Whom it was given up to, by address; `member`: another node of this house, which is no misfortune. */
  readonly holder?: { readonly address: string; readonly member: boolean };
  /** Lost tie-breaks and conflicts in a row. */
  readonly setbacks: number;
  readonly setbackAtMs: number;
}

const PROBES = 3;
const PROBE_EVERY_MS = 250;
const ANNOUNCEMENTS = 2;
const ANNOUNCE_EVERY_MS = 1000;
/** RFC 6762, 8.2: who loses a tie-break tries again after this. */
const LOST_WAIT_MS = 1000;
const SETBACKS_MAX = 10;
const SETBACKS_FORGOTTEN_MS = 10_000;
/** Whoever has the name may leave without a goodbye. Three datagrams each. */
const TAKEN_RETRY_MS = 5 * 60_000;
/** A member that announces has died, or this node sees it as dead: as long as its record is remembered. */
const MEMBER_RETRY_MS = 120_000;
/** RFC 6762, 10.1: after a goodbye the record is remembered for another second. */
const FREED_WAIT_MS = 1000;

export function beginClaim(atMs: number): Claim {
  return { state: "probing", left: PROBES, dueAtMs: atMs, setbacks: 0, setbackAtMs: Number.NEGATIVE_INFINITY };
}

export interface Advanced {
  readonly claim: Claim;
  /** undefined: it was not yet due. */
  readonly send?: "probe" | "announcement";
}

export function advanceClaim(claim: Claim, nowMs: number): Advanced {
  if (claim.dueAtMs > nowMs) return { claim };
  const { setbacks, setbackAtMs } = claim;
  switch (claim.state) {
    case "yielded":
      return advanceClaim(beginClaim(nowMs), nowMs);
    case "probing":
      if (claim.left > 0) return { claim: { ...claim, left: claim.left - 1, dueAtMs: nowMs + PROBE_EVERY_MS }, send: "probe" };
      return advanceClaim({ state: "owned", left: ANNOUNCEMENTS, dueAtMs: nowMs, setbacks, setbackAtMs }, nowMs);
    case "owned": {
      const left = claim.left - 1;
      return { claim: { ...claim, left, dueAtMs: left > 0 ? nowMs + ANNOUNCE_EVERY_MS : Number.POSITIVE_INFINITY }, send: "announcement" };
    }
  }
}

/** What is known of it changed, its owner did not: everybody is told anew. */
export function announceAgain(claim: Claim, nowMs: number): Claim {
  return claim.state === "owned" ? { ...claim, left: ANNOUNCEMENTS, dueAtMs: nowMs } : beginClaim(nowMs);
}

/** Another one probes for it at the same time, and its record is the later one. */
export function loseTie(claim: Claim, by: string, nowMs: number): Claim {
  return setBack(claim, { by, nowMs, waitMs: LOST_WAIT_MS });
}

/** Somebody answers with another record. While probing that settles it; who had it before asks once more (RFC 6762, 9). */
export function contest(claim: Claim, by: string, nowMs: number): Claim {
  if (claim.state === "yielded") return claim;
  return claim.state === "probing" ? yieldClaim(claim, { address: by, member: false }, nowMs) : setBack(claim, { by, nowMs, waitMs: 0 });
}

export function yieldClaim(claim: Claim, holder: NonNullable<Claim["holder"]>, nowMs: number): Claim {
  const { setbacks, setbackAtMs } = claim;
  const dueAtMs = nowMs + (holder.member ? MEMBER_RETRY_MS : TAKEN_RETRY_MS);
  return { state: "yielded", left: 0, dueAtMs, holder, setbacks, setbackAtMs };
}

/** Its holder said goodbye. */
export function freeClaim(claim: Claim, nowMs: number): Claim {
  return claim.state === "yielded" ? { ...claim, dueAtMs: Math.min(claim.dueAtMs, nowMs + FREED_WAIT_MS) } : claim;
}

interface Setback {
  readonly by: string;
  readonly nowMs: number;
  readonly waitMs: number;
}

function setBack(claim: Claim, { by, nowMs, waitMs }: Setback): Claim {
  const setbacks = (nowMs - claim.setbackAtMs < SETBACKS_FORGOTTEN_MS ? claim.setbacks : 0) + 1;
  if (setbacks > SETBACKS_MAX) return yieldClaim(claim, { address: by, member: false }, nowMs);
  return { state: "probing", left: PROBES, dueAtMs: nowMs + waitMs, setbacks, setbackAtMs: nowMs };
}
