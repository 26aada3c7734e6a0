// Pulls of one engine, which fetches three layers at a time over all of them: what waits for its turn is told nothing meanwhile, and is no
// more silent than those before it. Pure.

/** Of one pull: it is given up when this runs out. */
interface Patience {
  refresh(): unknown;
}

export class PullTurns {
  readonly #waiting = new Set<Patience>();

  /** Docker said something of a pull; `waits`: it only waits for its turn since. */
  heard(own: Patience, waits: boolean): void {
    own.refresh();
    for (const each of this.#waiting) each.refresh();
    if (waits) this.#waiting.add(own);
    else this.#waiting.delete(own);
  }

  ended(own: Patience): void {
    this.#waiting.delete(own);
  }
}
