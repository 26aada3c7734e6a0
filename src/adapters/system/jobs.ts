// Pulls and other long work in the background: started once or joined, reported when asked, its end wakes the name.
import type { Kind, Name } from "../../api/resource.ts";
import type { PullProgress } from "../../container-ports.ts";
import type { Clock, Jobs, JobState } from "../../ports.ts";

export interface JobsOptions {
  readonly clock: Pick<Clock, "now">;
  readonly wake: (kind: Kind, name: Name) => void;
  /** The end of the process: what runs is abandoned. */
  readonly signal: AbortSignal;
}

type Run = Parameters<Jobs["start"]>[2];
/** Not lost when a failed job runs again, so that whoever backs off can count. */
type Entry = { state: JobState; tries: number };

export class BackgroundJobs implements Jobs {
  readonly #options: JobsOptions;
  readonly #entries = new Map<string, Entry>();

  constructor(options: JobsOptions) {
    this.#options = options;
  }

  get(key: string): JobState | undefined {
    return this.#entries.get(key)?.state;
  }

  start(key: string, wake: { readonly kind: Kind; readonly name: Name }, run: Run): void {
    const known = this.#entries.get(key);
    if (known?.state.state === "running") return;
    const sinceMs = this.#options.clock.now();
    const failedTries = known?.state.state === "failed" ? known.tries : 0;
    const failedBefore = known?.state.state === "failed" ? { failedBefore: known.state.error } : {};
    const entry: Entry = { state: { state: "running", sinceMs, ...failedBefore }, tries: failedTries + 1 };
    this.#entries.set(key, entry);
    void this.#finish(entry, sinceMs, run).then(() => {
      if (!this.#options.signal.aborted) this.#options.wake(wake.kind, wake.name);
    });
  }

  forget(key: string): void {
    this.#entries.delete(key);
  }

  async #finish(entry: Entry, sinceMs: number, run: Run): Promise<void> {
    const { clock, signal } = this.#options;
    const report = (progress: PullProgress): void => {
      entry.state = { state: "running", progress, sinceMs };
    };
    try {
      await run(report, signal);
      entry.state = { state: "done", atMs: clock.now() };
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      entry.state = { state: "failed", error, atMs: clock.now(), tries: entry.tries };
    }
  }
}
