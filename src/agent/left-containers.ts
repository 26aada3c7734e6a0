// The containers of a node that has left its house: nobody decides about them any more, and the house may run the same apps elsewhere.
import { STOP_GRACE_DEFAULT_MS } from "../../controllers/service/traits.ts";
import type { Containers } from "../container-ports.ts";
import type { Log } from "../ports.ts";
import type { JoinWish } from "./joining/wish.ts";

export interface LeftContainersOptions {
  readonly containers: Pick<Containers, "list" | "stop" | "remove">;
  readonly wish: Pick<JoinWish, "hasLeftovers" | "settle">;
  /** Of the agent: no person waits for it. */
  readonly signal: AbortSignal;
  readonly log: Log;
}

export class LeftContainers {
  readonly #options: LeftContainersOptions;
  #begun: Promise<number> = Promise.resolve(0);

  constructor(options: LeftContainersOptions) {
    this.#options = options;
  }

  /** The node has come to rest. Nobody waits: what fails is tried again when it is told to leave once more. */
  begin(): void {
    this.#begun = this.#begun.then(async (before) => {
      try {
        return before + (await this.#removeAll());
      } catch (error) {
        const { signal, log } = this.#options;
        if (!signal.aborted) log.warn("Containers of the house that this node left were not removed", { error });
        return before;
      }
    });
  }

  /** Answers how many there were, those of `begin` among them; their volumes stay. Throws EngineError. */
  async remove(): Promise<number> {
    const begun = this.#begun;
    this.#begun = Promise.resolve(0);
    return (await begun) + (await this.#removeAll());
  }

  async #removeAll(): Promise<number> {
    const { containers, wish, signal, log } = this.#options;
    // An engine that is away tells of none: they are looked for again when the agent starts anew, or is told to leave once more.
    const all = wish.hasLeftovers ? await containers.list(undefined, signal).catch(() => undefined) : undefined;
    if (all === undefined) return 0;
    await Promise.all(
      all.map(async ({ id, name, stopGraceMs }) => {
        await containers.stop(id, stopGraceMs ?? STOP_GRACE_DEFAULT_MS, signal);
        await containers.remove(id, signal);
        log.info("Container removed", { name, why: "this node left its house" });
      }),
    );
    wish.settle();
    return all.length;
  }
}

/** In words, of that many containers. */
export function whatStays(dataDir: string, containers: number): readonly string[] {
  const gone = containers === 0 ? [] : [`nothing of ${containers} container${containers === 1 ? "" : "s"}, which stopped, but their data`];
  return [`data in ${dataDir}: volumes, and the store as etcd.old-*`, ...gone];
}
