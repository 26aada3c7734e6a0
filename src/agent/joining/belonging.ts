// A node in one house: what runs inside of it, and the life there. One that was away may have lost its place, and its name, to another one
// meanwhile: where the store answers, it lives only once it has seen that they are its own.
import type { Log } from "../../ports.ts";
import type { Inside } from "./inside.ts";
import type { OwnHouse } from "./joining-options.ts";

export interface BelongingOptions {
  readonly onHouse: (house: OwnHouse | undefined) => Promise<void>;
  readonly log: Log;
}

export class Belonging {
  readonly key: string;
  readonly running: Inside;
  readonly #options: BelongingOptions;
  readonly #life: Promise<void>;

  constructor(key: string, running: Inside, options: BelongingOptions) {
    this.key = key;
    this.running = running;
    this.#options = options;
    this.#life = this.#live().catch((error: unknown) => options.log.error("The life in the house could not begin", { error }));
  }

  /** The life first: it stands on what runs inside. */
  async end(): Promise<void> {
    this.running.sight.place.close();
    await this.#life;
    await this.#options.onHouse(undefined);
    await this.running.close();
  }

  async #live(): Promise<void> {
    const { membership, store, sight } = this.running;
    if (await sight.place.isOwn) await this.#options.onHouse({ membership, store });
  }
}
