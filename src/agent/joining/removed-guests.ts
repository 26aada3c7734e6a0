// Connections to the store beside this agent that a removed node may still have: etcd looks at the list of them when one begins, and never again.
// Whoever is there from an address of nobody in the house is taken for one, once for each removal: the address alone proves nothing.
import type { Clock } from "../../ports.ts";

export interface RemovedGuestsOptions {
  /** How many nodes were ever removed, as far as this node knows. */
  readonly removed: () => number;
  /** Who is connected to the store from an address of nobody in the house; undefined: it is not known just now who belongs to it. */
  readonly outsiders: () => readonly string[] | undefined;
  readonly clock: Pick<Clock, "now">;
}

/** Longer than a handshake that began before the removal. */
const NOBODY_MS = 30_000;

export class RemovedGuests {
  readonly #options: RemovedGuestsOptions;
  /** Of this many removals nobody is left. */
  #goneOf = 0;
  #nobody: { readonly removed: number; readonly sinceMs: number } | undefined;

  constructor(options: RemovedGuestsOptions) {
    this.#options = options;
  }

  /** The store has to start anew, or one that was removed reads and writes on. */
  mayBeThere(): boolean {
    const { removed: count, outsiders, clock } = this.#options;
    const removed = count();
    const there = removed > this.#goneOf ? outsiders() : [];
    if (there === undefined || removed <= this.#goneOf) return false;
    if (there.length > 0) {
      this.#nobody = undefined;
      return true;
    }
    if (this.#nobody?.removed !== removed) this.#nobody = { removed, sinceMs: clock.now() };
    if (clock.now() - this.#nobody.sinceMs >= NOBODY_MS) this.#goneOf = removed;
    return false;
  }

  /** Before the store ends; what it answers is to be called once it serves again. */
  seeOut(): () => void {
    const removed = this.#options.removed();
    return () => (this.#goneOf = removed);
  }
}
