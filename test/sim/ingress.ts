// The part of a simulated ingress that outlives its agent: it ends by itself what another node may start, once neither its agent nor any
// other node tells it that the house knows of this one.
import type { FenceTold } from "../../src/api/table.ts";
import { Guard } from "../../src/liveness/guard.ts";
import type { Clock } from "../../src/ports.ts";

const TICK_MS = 250;

export class SimIngress {
  readonly #clock: Clock;
  readonly #kill: (containers: readonly string[]) => number;
  readonly #guard = new Guard();
  #cancel: () => void = () => {};

  constructor(clock: Clock, kill: (containers: readonly string[]) => number) {
    this.#clock = clock;
    this.#kill = kill;
  }

  get told(): FenceTold | undefined {
    return this.#guard.told;
  }

  tell(told: FenceTold): void {
    this.#guard.tell(told, this.#clock.now());
    this.#cancel();
    if (!this.#guard.isIdle) this.#tick();
  }

  contact(atMs: number): void {
    this.#guard.contact(atMs, this.#clock.now());
  }

  stop(): void {
    this.#cancel();
  }

  #tick(): void {
    this.#kill(this.#guard.ending(this.#clock.now()));
    this.#cancel = this.#clock.timer(TICK_MS, () => this.#tick());
  }
}
