// Durations as people write them (`500ms`, `30s`, `1h30m`, `7d`), in milliseconds. Pure.
import type { Duration } from "./types.ts";

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };
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

/** Milliseconds of a checked duration; throws on anything else, which admission lets nobody store. */
export function durationMs(duration: Duration): number {
  const ms = parseDuration(duration);
  if (ms === undefined) throw new Error(`Cannot read the duration '${duration}': it should look like '30s' or '1h30m'`);
  return ms;
}

/** For people, in the two largest units at most: `9d`, `2m30s`, `0s`. */
export function formatDuration(ms: number): string {
  if (ms > 0 && ms < 1000) return `${Math.round(ms)}ms`;
  let rest = Math.round(Math.max(0, ms) / 1000);
  const parts: string[] = [];
  for (const [unit, seconds] of [
    ["d", 86_400],
    ["h", 3600],
    ["m", 60],
    ["s", 1],
  ] as const) {
    const count = Math.floor(rest / seconds);
    rest -= count * seconds;
    if (count > 0) parts.push(`${count}${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join("") || "0s";
}
