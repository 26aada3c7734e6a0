// Writes what happened into the store, for people: best effort, bounded, never twice in a row. A node at rest writes nothing.
import { keys, PREFIX } from "../api/keys.ts";
import type { EventRecord } from "../api/state.ts";
import type { BootMs, Clock, Events, Log, Random, Store } from "../ports.ts";

const keptMs = 24 * 3600 * 1000;
const eventsMax = 500;
/** The same thing said again within this time is not news. */
const repeatMs = 60_000;
const saidMax = 1_000;
const waitingMax = 100;
const writeLimitMs = 5_000;
/** Between two tries, while the store takes nothing. */
const againMs = 5_000;

export interface EventWriterOptions {
  readonly store: Store;
  readonly node: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly signal: AbortSignal;
}

export class EventWriter implements Events {
  readonly #options: EventWriterOptions;
  readonly #said = new Map<string, BootMs>();
  /** With its key, so that one whose answer was lost is not written twice. */
  readonly #waiting: { readonly key: string; readonly event: EventRecord }[] = [];
  /** Keys of this node's events, the oldest first; listed once before the first write. */
  #written: string[] | undefined;
  #writing = false;

  constructor(options: EventWriterOptions) {
    this.#options = options;
  }

  emit(event: Parameters<Events["emit"]>[0]): void {
    const { clock, node, log } = this.#options;
    const text = `${event.kind}/${event.name} ${event.reason} ${event.message}`;
    const saidAt = this.#said.get(text);
    if (saidAt !== undefined && clock.now() - saidAt < repeatMs) return;
    this.#said.delete(text); // the map keeps the order of saying
    this.#said.set(text, clock.now());
    for (const [oldest] of this.#said) {
      if (this.#said.size <= saidMax) break;
      this.#said.delete(oldest);
    }
    log.info("Event", { ...event });
    const record = { ...event, node, time: clock.wall() };
    if (this.#waiting.length < waitingMax) this.#waiting.push({ key: this.#keyOf(record), event: record });
    if (!this.#writing) void this.#write();
  }

  async #write(): Promise<void> {
    const { clock, signal, log } = this.#options;
    this.#writing = true;
    try {
      for (let next = this.#waiting[0]; next !== undefined && !signal.aborted; next = this.#waiting[0]) {
        await this.#put(next.key, next.event);
        this.#waiting.shift();
      }
      this.#writing = false;
    } catch (error) {
      if (signal.aborted) return;
      log.debug("Event could not be written", { error });
      void clock.sleep(againMs, signal).then(
        () => this.#write(),
        () => {}, // this node ends
      );
    }
  }

  async #put(key: string, event: EventRecord): Promise<void> {
    const { store, signal } = this.#options;
    const limit = AbortSignal.any([signal, AbortSignal.timeout(writeLimitMs)]);
    this.#written ??= await this.#list(limit);
    const old = this.#old(event.time);
    const writes = [{ put: key, value: JSON.stringify(event) }, ...old.map((gone) => ({ delete: gone }))];
    await store.commit({ compare: [], writes }, limit);
    this.#written = [...this.#written.filter((each) => !old.includes(each)), key];
  }

  /** Ids sort by time; the node's name keeps those of two nodes apart. */
  #keyOf(event: EventRecord): string {
    const { node, random } = this.#options;
    return keys.event(`${node}/${String(Date.parse(event.time)).padStart(15, "0")}-${random.next().toString(36).slice(2, 8)}`);
  }

  #old(time: string): readonly string[] {
    const written = this.#written ?? [];
    const oldest = Date.parse(time) - keptMs;
    return written.filter((key, index) => index < written.length - eventsMax || Number(key.split("/").at(-1)?.split("-")[0]) < oldest);
  }

  async #list(signal: AbortSignal): Promise<string[]> {
    const { entries } = await this.#options.store.list(`${PREFIX.events}${this.#options.node}/`, signal);
    return entries.map(({ key }) => key).sort();
  }
}
