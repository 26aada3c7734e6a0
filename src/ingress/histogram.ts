// Durations counted in buckets a quarter of an octave apart: 84 numbers for everything from 60 microseconds to two minutes. Pure.

const PER_OCTAVE = 4;
/** The first bucket ends a quarter of an octave above 2^-4 ms, the last one at 2^17 ms (131 s). */
const LOWEST_OCTAVE = -4;
const OCTAVES = 21;
const BUCKETS = PER_OCTAVE * OCTAVES;

const MINUTE_MS = 60_000;
const MINUTES = 5;
export const RECENT_MS = MINUTES * MINUTE_MS;

export function bucketOf(ms: number): number {
  const bucket = Math.ceil((Math.log2(ms) - LOWEST_OCTAVE) * PER_OCTAVE) - 1;
  // Not `Math.max`: NaN and what is below the first must come out as 0.
  return bucket > 0 ? Math.min(bucket, BUCKETS - 1) : 0;
}

/** The largest duration in a bucket, ms. */
export function upperBoundMs(bucket: number): number {
  return 2 ** ((bucket + 1) / PER_OCTAVE + LOWEST_OCTAVE);
}

/** At most 9 % off, in the middle of its bucket; undefined where nothing was counted. */
export function quantileMs(counts: Iterable<number>, quantile: number): number | undefined {
  const all = [...counts];
  const rank = Math.ceil(quantile * all.reduce((sum, count) => sum + count, 0));
  if (rank === 0) return undefined;
  let seen = 0;
  const bucket = all.findIndex((count) => (seen += count) >= rank);
  return upperBoundMs(bucket - 0.5);
}

/** Everything since the start, for counters that only grow. */
export class TotalHistogram {
  readonly #counts = new Float64Array(BUCKETS);
  sumMs = 0;
  count = 0;

  add(bucket: number, ms: number): void {
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1;
    this.sumMs += ms;
    this.count += 1;
  }

  /** How many took at most so long; exact where `ms` is a bucket's upper bound, and every power of two is one. */
  atMost(ms: number): number {
    const last = bucketOf(ms);
    return this.#counts.subarray(0, last + 1).reduce((sum, count) => sum + count, 0);
  }
}

/** The last minutes: a ring of one minute each, cleared when its turn comes again. */
export class RecentHistogram {
  readonly #counts = new Uint32Array(BUCKETS * MINUTES);
  readonly #minutes = new Float64Array(MINUTES).fill(-1);

  add(bucket: number, nowMs: number): void {
    const minute = Math.floor(nowMs / MINUTE_MS);
    const slot = minute % MINUTES;
    if (this.#minutes[slot] !== minute) {
      this.#minutes[slot] = minute;
      this.#counts.fill(0, slot * BUCKETS, (slot + 1) * BUCKETS);
    }
    const at = slot * BUCKETS + bucket;
    this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  counts(nowMs: number): Float64Array {
    const newest = Math.floor(nowMs / MINUTE_MS);
    const sums = new Float64Array(BUCKETS);
    for (const [slot, minute] of this.#minutes.entries()) {
      if (minute < 0 || minute <= newest - MINUTES) continue;
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) sums[bucket] = (sums[bucket] ?? 0) + (this.#counts[slot * BUCKETS + bucket] ?? 0);
    }
    return sums;
  }
}
