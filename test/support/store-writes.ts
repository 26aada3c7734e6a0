// Writes into a store all the while a test changes its members, and counts what was refused.
import { OutcomeUnknown } from "../../src/api/errors.ts";
import type { Store } from "../../src/ports.ts";

const EVERY_MS = 20;
const WRITE_LIMIT_MS = 10_000;

export class StoreWrites {
  readonly #failures: string[] = [];
  readonly #running: Promise<void>;
  #done = 0;
  #longestGapMs = 0;
  #stopped = false;

  constructor(store: Store) {
    this.#running = this.#write(store);
  }

  /** Acknowledged so far. */
  get done(): number {
    return this.#done;
  }

  async stop(): Promise<{ readonly done: number; readonly failures: readonly string[]; readonly longestGapMs: number }> {
    this.#stopped = true;
    await this.#running;
    return { done: this.#done, failures: this.#failures, longestGapMs: Math.round(this.#longestGapMs) };
  }

  async #write(store: Store): Promise<void> {
    let isUnknown = false;
    for (let lastMs = performance.now(); !this.#stopped || isUnknown;) {
      try {
        await store.commit(
          { compare: [], writes: [{ put: "/test/written", value: String(this.#done) }] },
          AbortSignal.timeout(WRITE_LIMIT_MS),
        );
        this.#done += 1;
        this.#longestGapMs = Math.max(this.#longestGapMs, performance.now() - lastMs);
        lastMs = performance.now();
        isUnknown = false;
      } catch (error) {
        // Whoever was asked ended before it answered: as everybody does who writes what may be written twice, it asks again, once.
        if (!isUnknown && error instanceof OutcomeUnknown) {
          isUnknown = true;
          continue;
        }
        isUnknown = false;
        this.#failures.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}
