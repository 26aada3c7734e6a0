// The engine's queue: a key waits once and runs once at a time, different keys in parallel. Knows nothing of what a key means.
import PQueue from "p-queue";
import type { BootMs, Clock } from "../ports.ts";

export interface WorkQueueOptions {
  readonly clock: Clock;
  readonly concurrency: number;
  /** Handles its own errors: it must not reject. */
  readonly run: (key: string) => Promise<void>;
}

export class WorkQueue {
  readonly #clock: Clock;
  readonly #run: (key: string) => Promise<void>;
  readonly #tasks: PQueue;
  readonly #states = new Map<string, "queued" | "running" | "runningAgain">();
  readonly #timers = new Map<string, { readonly atMs: BootMs; readonly cancel: () => void }>();
  #closed = false;

  constructor(options: WorkQueueOptions) {
    this.#clock = options.clock;
    this.#run = options.run;
    this.#tasks = new PQueue({ concurrency: options.concurrency });
  }

  /** Keys that wait for their turn or have it. */
  get size(): number {
    return this.#states.size;
  }

  /** Runs the key soon: once more after its present run if it runs, not at all if it waits already. */
  add(key: string): void {
    if (this.#closed) return;
    const state = this.#states.get(key);
    if (state === "running") this.#states.set(key, "runningAgain");
    if (state === undefined) this.#enqueue(key);
  }

  /** Runs the key in a while. Of several times the earliest counts, and a run in between makes it void. */
  addAfter(key: string, ms: number): void {
    if (this.#closed) return;
    const atMs = this.#clock.now() + ms;
    const timer = this.#timers.get(key);
    if (timer !== undefined && timer.atMs <= atMs) return;
    timer?.cancel();
    const cancel = this.#clock.timer(ms, () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { atMs, cancel });
  }

  /** Drops what waits and returns once what runs has ended. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers.values()) timer.cancel();
    this.#timers.clear();
    this.#tasks.clear();
    await this.#tasks.onIdle();
  }

  #enqueue(key: string): void {
    this.#states.set(key, "queued");
    void this.#tasks.add(() => this.#runOnce(key));
  }

  async #runOnce(key: string): Promise<void> {
    this.#states.set(key, "running");
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    await this.#run(key);
    const again = this.#states.get(key) === "runningAgain";
    this.#states.delete(key);
    if (again && !this.#closed) this.#enqueue(key);
  }
}
