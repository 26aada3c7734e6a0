// Reads of the house's store that are not sent again while the house is quiet and nothing is written into its store: this agent's copy hears
// of every write anyway, and most of what a node at rest did was to ask for what had not changed.
import type { Store } from "../../ports.ts";
import type { Pulse } from "./pulse.ts";

type Reads = Pick<Store, "get" | "list">;

export interface QuietReadsOptions {
  readonly store: Reads;
  readonly pulse: Pick<Pulse, "isQuiet">;
  /** Of the store, as this agent's copy has it; undefined: the copy is not fresh. */
  readonly revision: () => number | undefined;
}

export class QuietReads implements Reads {
  readonly #options: QuietReadsOptions;
  readonly #kept = new Map<string, unknown>();
  /** What is kept was read after the copy had come to this one, and counts until it has come to another. */
  #keptAt: number | undefined;

  constructor(options: QuietReadsOptions) {
    this.#options = options;
  }

  get(...[key, signal]: Parameters<Reads["get"]>): ReturnType<Reads["get"]> {
    return this.#once(`get ${key}`, () => this.#options.store.get(key, signal));
  }

  list(...[prefix, signal]: Parameters<Reads["list"]>): ReturnType<Reads["list"]> {
    return this.#once(`list ${[prefix].flat().join(" ")}`, () => this.#options.store.list(prefix, signal));
  }

  async #once<T>(what: string, read: () => Promise<T>): Promise<T> {
    const { pulse, revision } = this.#options;
    const at = pulse.isQuiet ? revision() : undefined;
    if (at === undefined || at !== this.#keptAt) this.#kept.clear();
    this.#keptAt = at;
    if (this.#kept.has(what)) return this.#kept.get(what) as T; // it was kept under the same words below
    const value = await read();
    if (at !== undefined && this.#keptAt === at) this.#kept.set(what, value);
    return value;
  }
}
