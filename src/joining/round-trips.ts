// The round trips to one other node over the last half hour, and the one of a hundred that is worse than the others. Pure.
import type { Ms } from "./house-view.ts";

export interface RoundTrips {
  readonly samples: readonly { readonly atMs: Ms; readonly tookMs: number }[];
}

const WINDOW_MS = 30 * 60_000;
const SAMPLES_MAX = 400;
/** Fewer say nothing. */
const SAMPLES_MIN = 30;

export const noRoundTrips: RoundTrips = { samples: [] };

export function addRoundTrip({ samples }: RoundTrips, tookMs: number, nowMs: Ms): RoundTrips {
  const recent = samples.filter(({ atMs }) => nowMs - atMs < WINDOW_MS);
  return { samples: [...recent, { atMs: nowMs, tookMs }].slice(-SAMPLES_MAX) };
}

/** Of a few, the second worst: one hiccup must not start all stores anew. Undefined: too few are known. */
export function roundTripP99({ samples }: RoundTrips, nowMs: Ms): number | undefined {
  const took = samples.filter(({ atMs }) => nowMs - atMs < WINDOW_MS).map(({ tookMs }) => tookMs);
  if (took.length < SAMPLES_MIN) return undefined;
  return took.sort((a, b) => a - b)[Math.min(Math.ceil(took.length * 0.99) - 1, took.length - 2)];
}
