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
  readonly #waiting: EventRecord[] = [];
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
    if (this.#waiting.length < waitingMax) this.#waiting.push({ ...event, node, time: clock.wall() });
    if (!this.#writing) void this.#write();
  }

  async #write(): Promise<void> {
    const { store, signal, log } = this.#options;
    this.#writing = true;
    try {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(writeLimitMs)]);
      this.#written ??= await this.#list(limit);
      for (let event = this.#waiting.shift(); event && !signal.aborted; event = this.#waiting.shift()) {
        const key = this.#keyOf(event);
        const old = this.#old(event.time);
        await store.commit(
          { compare: [], writes: [{ put: key, value: JSON.stringify(event) }, ...old.map((gone) => ({ delete: gone }))] },
          limit,
        );
        this.#written = [...this.#written.filter((each) => !old.includes(each)), key];
      }
    } catch (error) {
      if (!signal.aborted) log.debug("Event could not be written", { error });
    } finally {
      this.#writing = false;
    }
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
