// How often something may happen, by source: a bucket of one second's worth each. Bounded, for the sources are anybody's to make up.

const SOURCES_MAX = 10_000;

export class RateLimit {
  readonly #perSecond: number;
  readonly #used = new Map<string, number>();
  #second = 0;

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** False: not this time. */
  take(source: string, nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second || this.#used.size >= SOURCES_MAX) {
      this.#second = second;
      this.#used.clear();
    }
    const used = this.#used.get(source) ?? 0;
    if (used >= this.#perSecond) return false;
    this.#used.set(source, used + 1);
    return true;
  }
}

/** What a name server gives away at most, for all its sockets together. */
export interface Limits {
  /** An answer of more than 512 bytes to this source. */
  readonly large: (source: string) => boolean;
  /** Any answer to somebody from the internet, whoever it is: addresses there are made up. */
  readonly stranger: () => boolean;
}

const LARGE_PER_SECOND = 1000;
const STRANGERS_PER_SECOND = 20;

export function newLimits(): Limits {
  const large = new RateLimit(LARGE_PER_SECOND);
  const strangers = new RateLimit(STRANGERS_PER_SECOND);
  return { large: (source) => large.take(source, Date.now()), stranger: () => strangers.take("all", Date.now()) };
}
