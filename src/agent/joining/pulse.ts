// How often the house is looked at: each second while something goes on in it, seldom while nothing does, and soon after any change of the store.
import type { Ms } from "../../joining/house-view.ts";
import type { Clock } from "../../ports.ts";

const EVERY_MS = 1_000;
/** After a change: one follows the other, and an alive-check takes ten seconds. */
const BUSY_MS = 30_000;

export class Pulse {
  readonly #clock: Pick<Clock, "now" | "sleep">;
  readonly #resting = new Set<AbortController>();
  #changedAtMs: Ms;

  constructor(clock: Pick<Clock, "now" | "sleep">) {
    this.#clock = clock;
    this.#changedAtMs = clock.now();
  }

  /** Something happened in the house. */
  changed(): void {
    this.#changedAtMs = this.#clock.now();
    for (const rest of this.#resting) rest.abort();
  }

  /** Nothing has happened in the house for a while. */
  get isQuiet(): boolean {
    return this.#clock.now() - this.#changedAtMs >= BUSY_MS;
  }

  /** Until the next look is due: a second while the house is busy, else `quietMs` or the next change. */
  async rest(quietMs: Ms, signal: AbortSignal): Promise<void> {
    await this.#clock.sleep(EVERY_MS, signal).catch(() => undefined); // aborted: whoever looks ends
    if (signal.aborted || !this.isQuiet) return;
    const rest = new AbortController();
    this.#resting.add(rest);
    await this.#clock.sleep(quietMs - EVERY_MS, AbortSignal.any([signal, rest.signal])).catch(() => undefined); // a change, or the end
    this.#resting.delete(rest);
  }
}
