// Virtual time and seeded chance: with them a test or a simulation runs the same way bit by bit, and an hour takes no time.
import assert from "node:assert/strict";
import type { BootMs, Clock, Random } from "../../src/ports.ts";

interface Timer {
  readonly atMs: BootMs;
  /** Timers of the same moment run in the order in which they were set. */
  readonly order: number;
  readonly run: () => void;
  cancelled: boolean;
}

/** 2026-01-01T00:00:00Z: wall time when the clock shows 0. */
const WALL_START_MS = Date.UTC(2026, 0, 1);

/** So often the event loop has its turn, for what waits in the process itself. */
const STEPS_PER_TURN = 256;

export class VirtualClock implements Clock {
  #nowMs: BootMs;
  #order = 0;
  #steps = 0;
  /** Binary heap by (atMs, order). */
  readonly #timers: Timer[] = [];

  constructor(startMs: BootMs = 0) {
    this.#nowMs = startMs;
  }

  now(): BootMs {
    return this.#nowMs;
  }

  wall(): string {
    return new Date(WALL_START_MS + this.#nowMs).toISOString();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  timer(ms: number, run: () => void): () => void {
    assert(ms >= 0, `a timer of ${ms} ms lies in the past`);
    const timer: Timer = { atMs: this.#nowMs + ms, order: this.#order++, run, cancelled: false };
    this.#push(timer);
    return () => {
      timer.cancelled = true;
    };
  }

  /** When the next timer is due; undefined when none is set. */
  nextAtMs(): BootMs | undefined {
    while (this.#timers[0]?.cancelled) this.#pop();
    return this.#timers[0]?.atMs;
  }

  /** Lets everything run that needs no time to pass: all promises that can settle have settled. */
  async settle(): Promise<void> {
    // setImmediate runs only when the queue of microtasks is empty, whatever their number.
    await new Promise<void>((resolve) => setImmediate(resolve));
  }

  /** As settle(), several times as fast: a tick that is asked for in a microtask comes once no microtask is left. */
  async #settleFast(): Promise<void> {
    this.#steps += 1;
    if (this.#steps % STEPS_PER_TURN === 0) return this.settle();
    await Promise.resolve();
    await new Promise<void>((resolve) => process.nextTick(resolve));
  }

  /** Moves to the next timer, runs it alone and settles. False: no timer is left. */
  async step(): Promise<boolean> {
    if (this.nextAtMs() === undefined) return false;
    const timer = this.#pop();
    this.#nowMs = timer.atMs;
    timer.run();
    await this.#settleFast();
    return true;
  }

  /** Lets `ms` pass, with every timer on the way. */
  async advance(ms: number): Promise<void> {
    const endMs = this.#nowMs + ms;
    await this.settle();
    for (let next = this.nextAtMs(); next !== undefined && next <= endMs; next = this.nextAtMs()) await this.step();
    this.#nowMs = endMs;
  }

  /** Lets time pass until the condition holds; fails when it does not within the limit. */
  async until(condition: () => boolean, limitMs: number, what = condition.toString()): Promise<void> {
    const endMs = this.#nowMs + limitMs;
    await this.settle();
    while (!condition()) {
      const next = this.nextAtMs();
      if (next === undefined || next > endMs) assert.fail(`not within ${limitMs} ms of virtual time: ${what}`);
      await this.step();
    }
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.push(timer) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!this.#swapIfEarlier(at, parent)) return;
      at = parent;
    }
  }

  #pop(): Timer {
    const heap = this.#timers;
    const [first] = heap;
    const last = heap.pop();
    assert(first && last);
    if (heap.length === 0) return first;
    heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      const child = left + 1 < heap.length && this.#earlier(left + 1, left) ? left + 1 : left;
      if (child >= heap.length || !this.#swapIfEarlier(child, at)) return first;
      at = child;
    }
  }

  #earlier(a: number, b: number): boolean {
    const [one, other] = [this.#timers[a], this.#timers[b]];
    assert(one && other);
    return one.atMs < other.atMs || (one.atMs === other.atMs && one.order < other.order);
  }

  #swapIfEarlier(below: number, above: number): boolean {
    if (!this.#earlier(below, above)) return false;
    const [one, other] = [this.#timers[below], this.#timers[above]];
    assert(one && other);
    this.#timers[below] = other;
    this.#timers[above] = one;
    return true;
  }
}

/** `Clock.sleep` for any clock that has timers. */
export function sleepOn(clock: Pick<Clock, "timer">, ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal.reason as Error);
    };
    const cancel = clock.timer(ms, () => {
      signal.removeEventListener("abort", onAbort);
      resolve();
    });
    signal.addEventListener("abort", onAbort, { once: true });
  });
}

/** The same seed gives the same numbers (mulberry32). */
export class SeededRandom implements Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }

  /** A whole number in [from, to]. */
  int(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(list: readonly T[]): T {
    assert(list.length > 0, "nothing to pick from");
    return list[this.int(0, list.length - 1)] as T; // not empty: asserted above
  }

  /** A generator of its own, so that one part of a simulation never shifts the numbers of another. */
  fork(): SeededRandom {
    return new SeededRandom(Math.floor(this.next() * 2 ** 32));
  }
}
