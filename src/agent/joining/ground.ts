// Whether this node may found a house, asked of its engine before it says that it founds one: whoever hears that waits for it, and an engine
// that hangs tells nothing.
import { UserError } from "../../api/errors.ts";
import type { Here, Phase } from "../../joining/joiner-state.ts";
import type { Clock, Log } from "../../ports.ts";

export interface GroundOptions {
  /** Throws UserError where a person must mend something first, and what the engine throws. */
  readonly mayFound: (signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const CLEAR_MS = 30_000;
/** So long what happens to this node waits for the engine, once for each question. */
const MOMENT_MS = 1_000;
const RETRY_MS = 1_000;

export class Ground {
  readonly #options: GroundOptions;
  #asking: Promise<void> | undefined;
  #isLate = false;
  #isRefused = false;
  #clearUntilMs = Number.NEGATIVE_INFINITY;
  #askAgainMs = Number.NEGATIVE_INFINITY;

  constructor(options: GroundOptions) {
    this.#options = options;
  }

  /** Asks where it might found one alone. What a person must mend `mustBeClear` says, when it comes to that. */
  async seenFrom(here: Here, phase: Phase, signal: AbortSignal): Promise<Here> {
    const isFresh = phase.kind === "looking" || phase.kind === "founding";
    if (!isFresh || here.rests === true || here.wish !== undefined || here.home !== undefined) return here;
    await this.#look(signal);
    return this.#isClear || this.#isRefused ? here : { ...here, nowMs: this.#options.clock.now(), mayFound: false };
  }

  /** Throws UserError, and what the engine throws. */
  async mustBeClear(signal: AbortSignal): Promise<void> {
    if (!this.#isClear) await this.#options.mayFound(signal);
  }

  get #isClear(): boolean {
    return this.#options.clock.now() < this.#clearUntilMs;
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    if (this.#isClear || (this.#asking === undefined && clock.now() < this.#askAgainMs)) return;
    this.#asking ??= this.#ask(signal);
    if (this.#isLate) return;
    const answered = new AbortController();
    const moment = clock.sleep(MOMENT_MS, AbortSignal.any([signal, answered.signal])).catch(() => undefined);
    await Promise.race([this.#asking, moment]);
    answered.abort();
    this.#isLate = this.#asking !== undefined;
  }

  /** Never throws. */
  async #ask(signal: AbortSignal): Promise<void> {
    const { mayFound, clock, log } = this.#options;
    try {
      await mayFound(signal);
      this.#isRefused = false;
      this.#clearUntilMs = clock.now() + CLEAR_MS;
    } catch (error) {
      this.#isRefused = error instanceof UserError;
      log.debug("The engine does not let this node found a house", { error: String(error) });
    }
    this.#askAgainMs = clock.now() + RETRY_MS;
    this.#isLate = false;
    this.#asking = undefined;
  }
}
