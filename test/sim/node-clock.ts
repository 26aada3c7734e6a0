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
  dueMs: number;
  cancel: () => void;
}

export class NodeClock implements Clock {
  readonly #time: VirtualClock;
  readonly #options: NodeClockOptions;
  readonly #zeroMs: number;
  readonly #timers = new Set<Timer>();
  #asleepSinceMs: number | undefined;

  /** Shows 0 now. */
  constructor(time: VirtualClock, options: NodeClockOptions) {
    this.#time = time;
    this.#options = options;
    this.#zeroMs = time.now();
  }

  /** Counts sleep. */
  now(): BootMs {
    return Math.floor((this.#time.now() - this.#zeroMs) * this.#options.rate);
  }

  wall(): string {
    return new Date(Date.parse(this.#time.wall()) + this.#options.wallSkewMs).toISOString();
  }

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    return sleepOn(this, ms, signal);
  }

  timer(ms: number, run: () => void): () => void {
    const timer: Timer = { run, dueMs: this.#time.now() + Math.ceil(ms / this.#options.rate), cancel: () => {} };
    this.#timers.add(timer);
    if (this.#asleepSinceMs === undefined) this.#arm(timer);
    return () => {
      timer.cancel();
      this.#timers.delete(timer);
    };
  }

  /** Nothing that waits on this clock goes on until `thaw`. */
  freeze(): void {
    this.#asleepSinceMs = this.#time.now();
    for (const timer of this.#timers) timer.cancel();
  }

  /** Timers go on with what was left of them: a suspended computer's timers do not count its sleep. */
  thaw(): void {
    const sleptMs = this.#time.now() - (this.#asleepSinceMs ?? this.#time.now());
    this.#asleepSinceMs = undefined;
    for (const timer of this.#timers) {
      timer.dueMs += sleptMs;
      this.#arm(timer);
    }
  }

  #arm(timer: Timer): void {
    timer.cancel = this.#time.timer(Math.max(0, timer.dueMs - this.#time.now()), () => {
      this.#timers.delete(timer);
      timer.run();
    });
  }
}
