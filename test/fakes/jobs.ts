// Background work as the engine's ports promise it, on virtual time: started or joined, reported, its end wakes the name.
import type { Kind, Name } from "../../src/api/resource.ts";
import type { PullProgress } from "../../src/container-ports.ts";
import type { Clock, Jobs, JobState } from "../../src/ports.ts";

export interface FakeJobsOptions {
  readonly clock: Clock;
  readonly wake: (kind: Kind, name: Name) => void;
  /** The end of the process: what runs is abandoned. */
  readonly signal: AbortSignal;
}

export class FakeJobs implements Jobs {
  readonly #options: FakeJobsOptions;
  readonly #states = new Map<string, JobState>();
  readonly #tries = new Map<string, number>();

  constructor(options: FakeJobsOptions) {
    this.#options = options;
  }

  get(key: string): JobState | undefined {
    return this.#states.get(key);
  }

  start(
    key: string,
    wake: { readonly kind: Kind; readonly name: Name },
    run: (report: (progress: PullProgress) => void, signal: AbortSignal) => Promise<void>,
  ): void {
    if (this.#states.get(key)?.state === "running") return;
    void this.#run(key, wake, run);
  }

  forget(key: string): void {
    this.#states.delete(key);
    this.#tries.delete(key);
  }

  async #run(
    key: string,
    wake: { readonly kind: Kind; readonly name: Name },
    run: (report: (progress: PullProgress) => void, signal: AbortSignal) => Promise<void>,
  ): Promise<void> {
    const { clock, signal } = this.#options;
    const sinceMs = clock.now();
    const tries = (this.#tries.get(key) ?? 0) + 1;
    this.#tries.set(key, tries);
    const before = this.#states.get(key);
    this.#states.set(key, { state: "running", sinceMs, ...(before?.state === "failed" && { failedBefore: before.error }) });
    try {
      await run((progress) => this.#states.set(key, { state: "running", progress, sinceMs }), signal);
      this.#states.set(key, { state: "done", atMs: clock.now() });
    } catch (error) {
      this.#states.set(key, { state: "failed", error: error as Error, atMs: clock.now(), tries });
    }
    if (!signal.aborted) this.#options.wake(wake.kind, wake.name);
  }
}
