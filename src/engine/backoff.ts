// How long the engine waits before it tries a failed name again. Pure.
import type { Random } from "../ports.ts";

export const BACKOFF_MIN_MS = 1_000;
export const BACKOFF_MAX_MS = 300_000;

/** Doubles from 1 s to 5 min; a fifth of jitter keeps nodes that failed together from trying together. */
export function backoffMs(failures: number, random: Random): number {
  const doubledMs = BACKOFF_MIN_MS * 2 ** Math.min(failures - 1, 20);
  const jitter = 0.8 + 0.4 * random.next();
  return Math.round(Math.min(Math.max(doubledMs * jitter, BACKOFF_MIN_MS), BACKOFF_MAX_MS));
}
