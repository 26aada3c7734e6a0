// Lines of several sources in the order of their times. What was printed before is merged exactly: a line waits until every source has
// shown its next one. What comes while somebody follows waits a moment, for the lines of other computers are longer on their way. Pure.
import type { LogLine } from "./wire.ts";

/** So long a new line waits for older ones from elsewhere. */
export const REORDER_MS = 150;

interface Waiting {
  readonly line: LogLine;
  readonly sinceMs: number;
}

interface Source {
  readonly waiting: Waiting[];
  /** `before`: what was printed before is still coming. */
  phase: "before" | "live" | "over";
}

export interface Taken {
  readonly lines: readonly LogLine[];
  /** When time alone lets more go; undefined: nothing waits, or it waits for a source. */
  readonly againInMs: number | undefined;
}

export class LogMerger {
  readonly #sources = new Map<string, Source>();

  /** Also again, after its end: what it still has is kept. */
  add(name: string): void {
    this.#sources.set(name, { waiting: this.#sources.get(name)?.waiting ?? [], phase: "before" });
  }

  push(name: string, line: LogLine, nowMs: number): void {
    this.#sources.get(name)?.waiting.push({ line, sinceMs: nowMs });
  }

  /** From now on its lines are new ones, and nobody waits for them. */
  live(name: string): void {
    this.#enter(name, "live");
  }

  end(name: string): void {
    this.#enter(name, "over");
  }

  /** Of one source, not taken yet. */
  waiting(name: string): number {
    return this.#sources.get(name)?.waiting.length ?? 0;
  }

  /** All that was printed before is here. */
  get isLive(): boolean {
    return [...this.#sources.values()].every(({ phase }) => phase !== "before");
  }

  take(nowMs: number): Taken {
    const sources = [...this.#sources.values()];
    const lines: LogLine[] = [];
    // A source that shows nothing may still have the oldest line.
    while (!sources.some(({ phase, waiting }) => phase === "before" && waiting.length === 0)) {
      const waitMs = reorderMs(sources, nowMs);
      if (waitMs > 0) return { lines, againInMs: waitMs };
      const line = shiftOldest(sources);
      if (line === undefined) break;
      lines.push(line);
    }
    return { lines, againInMs: undefined };
  }

  #enter(name: string, phase: Source["phase"]): void {
    const source = this.#sources.get(name);
    if (source) source.phase = phase;
  }
}

/** Until the line that came first has waited long enough; where all is from before nothing waits. */
function reorderMs(sources: readonly Source[], nowMs: number): number {
  if (sources.some(({ phase }) => phase === "before") || !sources.some(({ phase }) => phase === "live")) return 0;
  const since = Math.min(...sources.flatMap(({ waiting: [first] }) => first?.sinceMs ?? []));
  return Number.isFinite(since) ? since + REORDER_MS - nowMs : 0;
}

function shiftOldest(sources: readonly Source[]): LogLine | undefined {
  let oldest: Source | undefined;
  for (const source of sources) {
    const [first] = source.waiting;
    const before = oldest?.waiting[0];
    if (first !== undefined && (before === undefined || isEarlier(first.line.time, before.line.time))) oldest = source;
  }
  return oldest?.waiting.shift()?.line;
}

/** RFC 3339 in UTC, with up to nine digits of a second: as text, once the fractions are of one length. */
export function isEarlier(time: string, other: string): boolean {
  return padded(time) < padded(other);
}

function padded(time: string): string {
  const [second = "", fraction = ""] = time.replace("Z", "").split(".");
  return `${second}.${fraction.padEnd(9, "0")}`;
}
