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
