// What a house decides while it is in trouble: whose death it records, and which instance of an app goes where.
import { PREFIX } from "../../src/api/keys.ts";
import type { DecidedMembership, DecidedService } from "../../src/api/state.ts";
import type { EtcdStore } from "../../src/adapters/etcd3/store.ts";
import type { StoreEvent } from "../../src/ports.ts";

const LIST_LIMIT_MS = 10_000;
const RETRY_MS = 1_000;

export class HouseNews {
  readonly #store: EtcdStore;
  readonly #say: (text: string) => void;
  readonly #ending = new AbortController();
  /** Nodes of an app's instances, by app. */
  readonly #places = new Map<string, string>();
  #running: Promise<void> | undefined;
  /** Deaths that were recorded since the beginning, and apps that went elsewhere. */
  verdicts = 0;
  moves = 0;

  constructor(store: EtcdStore, say: (text: string) => void) {
    this.#store = store;
    this.#say = say;
  }

  start(): void {
    this.#running = this.#follow();
  }

  async stop(): Promise<void> {
    this.#ending.abort();
    await this.#running;
    await this.#store.close();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#ending;
    while (!signal.aborted) {
      try {
        const { entries, revision } = await this.#store.list(PREFIX.decided, AbortSignal.any([signal, AbortSignal.timeout(LIST_LIMIT_MS)]));
        for (const entry of entries) this.#see({ type: "put", entry });
        for await (const { events } of this.#store.watch(PREFIX.decided, revision + 1, signal))
          for (const event of events) this.#see(event);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS)); // without quorum there is no news
      }
    }
  }

  #see(event: StoreEvent): void {
    const [kind, name = ""] = (event.type === "put" ? event.entry.key : event.key).slice(PREFIX.decided.length).split("/");
    if (kind === "Membership") {
      const verdict = event.type === "put" ? (JSON.parse(event.entry.value) as DecidedMembership) : undefined; // written by agents alone
      if (verdict?.state === "Down") this.verdicts += 1;
      this.#say(verdict?.state === "Down" ? `${name} counts as dead, says ${verdict.by}` : `${name} is back`);
    } else if (kind === "Service" && event.type === "put") {
      const { instances } = JSON.parse(event.entry.value) as DecidedService; // the same
      const places = instances
        .map(({ node }) => node)
        .sort()
        .join(", ");
      const before = this.#places.get(name);
      this.#places.set(name, places);
      if (before === undefined || before === places) return;
      this.moves += 1;
      this.#say(`${name} goes from ${before || "nowhere"} to ${places || "nowhere"}`);
    }
  }
}
