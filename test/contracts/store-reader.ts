// One reader of a watch, as the mirror is one: keeps what came and how it ended.
import type { Entry, Store, StoreEvent } from "../../src/ports.ts";

export interface ReadEvent {
  readonly type: StoreEvent["type"];
  readonly key: string;
  readonly modRevision: number;
  /** Absent for a delete. */
  readonly value?: string;
}

export class StoreReader {
  static readonly stopped = new Error("the reader was stopped");
  readonly events: ReadEvent[] = [];
  /** With events or without. */
  batches = 0;
  revision = 0;
  /** What the watch threw. */
  ended: unknown;
  readonly #abort = new AbortController();
  readonly #running: Promise<void>;

  constructor(store: Store, prefix: string, fromRevision: number) {
    this.#running = this.#read(store, prefix, fromRevision);
  }

  stop(): Promise<void> {
    this.#abort.abort(StoreReader.stopped);
    return this.#running;
  }

  /** What is there after the events, when this was there before them. */
  stateAfter(before: readonly Entry[]): ReadonlyMap<string, string> {
    const state = new Map(before.map(({ key, value }) => [key, value]));
    for (const { key, value } of this.events) {
      if (value === undefined) state.delete(key);
      else state.set(key, value);
    }
    return state;
  }

  async #read(store: Store, prefix: string, fromRevision: number): Promise<void> {
    try {
      for await (const { revision, events } of store.watch(prefix, fromRevision, this.#abort.signal)) {
        this.batches++;
        this.revision = revision;
        for (const event of events) {
          if (event.type === "put")
            this.events.push({ type: "put", key: event.entry.key, modRevision: event.entry.modRevision, value: event.entry.value });
          else this.events.push(event);
        }
      }
    } catch (error) {
      this.ended = error;
    }
  }
}
