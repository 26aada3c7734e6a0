// Who hears whom of the computers that are on: cuts between two of them, in one direction or in both, apart from the store.
import type { NodeName } from "../../src/api/resource.ts";

export class Network {
  /** `n1 n2`: n2 does not hear n1. A direction may be cut more than once, by faults that end apart. */
  readonly #cuts = new Map<string, number>();

  hears(to: NodeName, from: NodeName): boolean {
    return !this.#cuts.has(`${from} ${to}`);
  }

  get isWhole(): boolean {
    return this.#cuts.size === 0;
  }

  /** `to` hears nothing of `from`; the returned function mends that. */
  cut(from: NodeName, to: NodeName): () => void {
    const direction = `${from} ${to}`;
    this.#cuts.set(direction, (this.#cuts.get(direction) ?? 0) + 1);
    return () => {
      const left = (this.#cuts.get(direction) ?? 1) - 1;
      if (left === 0) this.#cuts.delete(direction);
      else this.#cuts.set(direction, left);
    };
  }
}
