// How patient etcd has to be: heartbeat and election time-out follow from the links between the members and are the same on all. Pure.

export interface Timing {
  readonly heartbeatMs: number;
  readonly electionMs: number;
}

/** From one member to another, measured. */
export interface Link {
  readonly kind: "wired" | "wireless" | "tailnet";
  /** Of the last minutes; what is rarer may cost an election. */
  readonly roundTripP99Ms: number;
}

/** A wired LAN's; a lone member's, too. */
export const FOUNDING_TIMING: Timing = { heartbeatMs: 100, electionMs: 1_000 };
const steps: readonly Timing[] = [FOUNDING_TIMING, { heartbeatMs: 200, electionMs: 2_000 }, { heartbeatMs: 500, electionMs: 5_000 }];
const atLeast: Readonly<Record<Link["kind"], number>> = { wired: 0, wireless: 1, tailnet: 2 };
/** etcd's tuning page: a heartbeat around the round trip, an election ten round trips or more. */
const ROUND_TRIPS_IN_ELECTION = 10;
/** A tailnet's direct path between neighbours is as good as the LAN below it. */
const LOCAL_MS = 5;

/** The worst link decides; a slower one than any that was measured gets the most patience there is. */
export function timingFor(links: readonly Link[]): Timing {
  const rank = links.reduce((most, link) => Math.max(most, rankOf(link)), 0);
  return steps[rank] ?? slowest;
}

/** Changed at once when etcd must be more patient, and back only when it is clear: each change restarts every member. */
export function nextTiming(now: Timing, links: readonly Link[]): Timing {
  const wanted = timingFor(links);
  if (wanted.electionMs >= now.electionMs) return wanted;
  const withReserve = links.map((link) => ({ ...link, roundTripP99Ms: link.roundTripP99Ms * 2 }));
  const careful = timingFor(withReserve);
  return careful.electionMs < now.electionMs ? careful : now;
}

/** Of what another node wrote; undefined: etcd would not start with it, or it is none of ours. */
export function readTiming(value: unknown): Timing | undefined {
  const { heartbeatMs, electionMs } = (typeof value === "object" && value !== null ? value : {}) as Partial<Record<keyof Timing, unknown>>; // looked at here
  return steps.find((step) => step.heartbeatMs === heartbeatMs && step.electionMs === electionMs);
}

const slowest: Timing = { heartbeatMs: 500, electionMs: 5_000 };

function rankOf({ kind, roundTripP99Ms }: Link): number {
  const byKind = kind === "tailnet" && roundTripP99Ms <= LOCAL_MS ? atLeast.wireless : atLeast[kind];
  const byTime = steps.findIndex(({ electionMs }) => roundTripP99Ms * ROUND_TRIPS_IN_ELECTION <= electionMs);
  return Math.max(byKind, byTime < 0 ? steps.length - 1 : byTime);
}
