// Writes into a store all the while a test changes its members, and counts what was refused.
import type { Store } from "../../src/ports.ts";

const EVERY_MS = 20;
const WRITE_LIMIT_MS = 10_000;

export class StoreWrites {
  readonly #failures: string[] = [];
  readonly #running: Promise<void>;
  #done = 0;
  #stopped = false;

  constructor(store: Store) {
    this.#running = this.#write(store);
  }

  async stop(): Promise<{ readonly done: number; readonly failures: readonly string[] }> {
    this.#stopped = true;
    await this.#running;
    return { done: this.#done, failures: this.#failures };
  }

  async #write(store: Store): Promise<void> {
    while (!this.#stopped) {
      try {
        await store.commit(
          { compare: [], writes: [{ put: "/test/written", value: String(this.#done) }] },
          AbortSignal.timeout(WRITE_LIMIT_MS),
        );
        this.#done += 1;
      } catch (error) {
        this.#failures.push(String(error));
      }
      await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
    }
  }
}
