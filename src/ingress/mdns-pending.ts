// What is about to be told to everybody on one LAN segment, by one family of addresses: each name once a second at most, several askers
// at a time, and nothing that somebody else has just said (RFC 6762, 6 and 7). Pure.
import { TTL, type Wanted } from "./mdns-records.ts";

/** RFC 6762, 6: how often a record is told to everybody, and how soon again to one who is about to claim it. */
export const REPEAT_MS = 1000;
const REPEAT_TO_PROBE_MS = 250;
/** RFC 6762, 5.4: who asks for an answer to itself alone gets it if all others heard one lately. */
const HEARD_LATELY_MS = (TTL * 1000) / 4;

interface Pending extends Wanted {
  readonly dueAtMs: number;
  /** The only asker, if it said that known answers follow. */
  readonly onlyFor?: string;
}

export class PendingAnswers {
  readonly #pending = new Map<string, Pending>();
  readonly #toldAtMs = new Map<string, number>();

  /** Infinity: nothing is due. */
  get dueAtMs(): number {
    let due = Number.POSITIVE_INFINITY;
    for (const { dueAtMs } of this.#pending.values()) due = Math.min(due, dueAtMs);
    return due;
  }

  /** Together with what is due then; not sooner after the last time than RFC 6762 lets. */
  tellSoon(name: string, wish: Pending & { readonly isProbe?: boolean }): void {
    const { a, aaaa, nsec, isProbe = false, onlyFor } = wish;
    const dueAtMs = this.freeAtMs(name, wish.dueAtMs, isProbe ? REPEAT_TO_PROBE_MS : REPEAT_MS);
    const before = this.#pending.get(name);
    if (before === undefined) {
      this.#pending.set(name, { a, aaaa, nsec, dueAtMs, ...(onlyFor !== undefined && { onlyFor }) });
      return;
    }
    const sole = onlyFor !== undefined && onlyFor === before.onlyFor;
    const together = { a: a || before.a, aaaa: aaaa || before.aaaa, nsec: nsec || before.nsec };
    this.#pending.set(name, { ...together, dueAtMs: Math.min(dueAtMs, before.dueAtMs), ...(sole && { onlyFor }) });
  }

  /** The earliest time to tell everybody again. */
  freeAtMs(name: string, atMs: number, repeatMs = REPEAT_MS): number {
    return Math.max(atMs, this.#lastToldAtMs(name) + repeatMs);
  }

  wasToldLately(name: string, nowMs: number): boolean {
    return nowMs - this.#lastToldAtMs(name) < HEARD_LATELY_MS;
  }

  /** What is due; it is not due any more. */
  take(nowMs: number): readonly (readonly [name: string, wanted: Wanted])[] {
    const due = [...this.#pending].filter(([, { dueAtMs }]) => dueAtMs <= nowMs);
    for (const [name] of due) this.#pending.delete(name);
    return due;
  }

  told(name: string, nowMs: number): void {
    this.#toldAtMs.set(name, nowMs);
  }

  /** All its addresses were told unasked: whoever waits for them has them. */
  announced(name: string, nowMs: number): void {
    this.settle(name, ({ nsec }) => ({ a: false, aaaa: false, nsec }));
    this.told(name, nowMs);
  }

  /** What is still wanted of a name. `asker`: only if nobody else waits for it. */
  settle(name: string, left: (wanted: Wanted) => Wanted, asker?: string): void {
    const pending = this.#pending.get(name);
    if (pending === undefined || (asker !== undefined && pending.onlyFor !== asker)) return;
    const { a, aaaa, nsec } = left(pending);
    if (a || aaaa || nsec) this.#pending.set(name, { ...pending, a, aaaa, nsec });
    else this.#pending.delete(name);
  }

  forget(name: string): void {
    this.#pending.delete(name);
    this.#toldAtMs.delete(name);
  }

  #lastToldAtMs(name: string): number {
    return this.#toldAtMs.get(name) ?? Number.NEGATIVE_INFINITY;
  }
}
