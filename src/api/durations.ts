// Durations as people write them (`500ms`, `30s`, `1h30m`, `7d`), in milliseconds. Pure.
import type { Duration } from "./types.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
/** What a Duration may be at most, `24d` in the schemas: past 2^31 ms, 24.8 days, Node's timers fire at once or throw. */
export const DURATION_MAX_MS = 24 * 86_400_000;
const PARTS = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** Undefined: this is no duration. */
export function parseDuration(text: string): number | undefined {
  if (text === "0") return 0;
  if (!PARTS.test(text)) return undefined;
  let sumMs = 0;
  for (const [, amount, unit] of text.matchAll(PART)) sumMs += Number(amount) * (UNIT_MS[unit ?? ""] ?? 0);
  return Math.round(sumMs);
}

/** Milliseconds of a checked duration, 24 days at most: an older release stored longer ones. Throws on what admission lets nobody store. */
export function durationMs(duration: Duration): number {
  const ms = parseDuration(duration);
  if (ms === undefined) throw new Error(`Cannot read the duration '${duration}': it should look like '30s' or '1h30m'`);
  return Math.min(ms, DURATION_MAX_MS);
}
