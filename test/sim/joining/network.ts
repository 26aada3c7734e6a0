// The network of a simulated house: messages are lost, late and doubled, and links are cut.
import type { SeededRandom } from "../../fakes/clock.ts";

export class Network {
  loss = 0;
  doubled = 0;
  delayMaxMs = 20;
  readonly #cut = new Set<number>();
  readonly #random: SeededRandom;

  constructor(random: SeededRandom) {
    this.#random = random;
  }

  linked(a: number, b: number): boolean {
    return a === b || !this.#cut.has(pair(a, b));
  }

  cut(a: number, b: number): void {
    if (a !== b) this.#cut.add(pair(a, b));
  }

  mend(a: number, b: number): void {
    this.#cut.delete(pair(a, b));
  }

  mendAll(): void {
    this.#cut.clear();
  }

  /** When each copy of a message arrives: none, one or two. */
  delaysMs(): readonly number[] {
    if (this.#random.chance(this.loss)) return [];
    const first = this.delayMs();
    return this.#random.chance(this.doubled) ? [first, first + this.#random.int(0, 3_000)] : [first];
  }

  delayMs(): number {
    return this.#random.chance(0.9) ? this.#random.int(1, 20) : this.#random.int(1, this.delayMaxMs);
  }
}

function pair(a: number, b: number): number {
  return a < b ? a * 64 + b : b * 64 + a;
}
