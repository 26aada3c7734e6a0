// One computer's clocks over the one virtual time: started at its own moment, a little fast or slow, with a wrong idea of the date, and
// standing still while the computer sleeps.
import type { BootMs, Clock } from "../../src/ports.ts";
import { sleepOn, type VirtualClock } from "../fakes/clock.ts";

export interface NodeClockOptions {
  /** Added to the date that everybody else has. */
  readonly wallSkewMs: number;
  /** How fast it goes: 1.001 gains a second in about 17 minutes. */
  readonly rate: number;
}

interface Timer {
  readonly run: () => void;
  /** What is left of it, when it was set or when the computer fell asleep. */
  leftMs: number;
  dueMs: number;
  cancel: () => void;
}

export class NodeClock implements Clock {
  readonly #time: VirtualClock;
  readonly #options: NodeClockOptions;
  readonly #zeroMs: number;
  readonly #timers = new Set<Timer>();
  #wallSkewMs: number;
  #isAsleep = false;

  /** Shows 0 now. */
  constructor(time: VirtualClock, options: NodeClockOptions) {
    this.#time = time;
    this.#options = options;
    this.#zeroMs = time.now();
    this.#wallSkewMs = options.wallSkewMs;
  }

  /** Somebody, or a time server, sets the date. */
  setWallSkew(ms: number): void {
    this.#wallSkewMs = ms;
  }

  /** Counts sleep. */
  now(): BootMs {
    return Math.floor((this.#time.now() - this.#zeroMs) * this.#options.rate);
  }

  wall(): string {
    return new Date(Date.parse(this.#time.wall()) + this.#wallSkewMs).toISOString();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  timer(ms: number, run: () => void): () => void {
    const timer: Timer = { run, leftMs: Math.ceil(ms / this.#options.rate), dueMs: 0, cancel: () => {} };
    this.#timers.add(timer);
    if (!this.#isAsleep) this.#arm(timer);
    return () => {
      timer.cancel();
      this.#timers.delete(timer);
    };
  }

  /** Nothing that waits on this clock goes on until `thaw`. */
  freeze(): void {
    this.#isAsleep = true;
    for (const timer of this.#timers) {
      timer.cancel();
      timer.leftMs = timer.dueMs - this.#time.now();
    }
  }

  /** Timers go on with what was left of them: a suspended computer's timers do not count its sleep. */
  thaw(): void {
    this.#isAsleep = false;
    for (const timer of this.#timers) this.#arm(timer);
  }

  #arm(timer: Timer): void {
    timer.dueMs = this.#time.now() + timer.leftMs;
    timer.cancel = this.#time.timer(timer.leftMs, () => {
      this.#timers.delete(timer);
      timer.run();
    });
  }
}
