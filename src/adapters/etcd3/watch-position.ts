// Where a watch stands: turns etcd's responses into batches of whole revisions, so that a watch cut anywhere resumes after the last
// revision that was delivered in full: no event lost, none twice. Pure.
import type { StoreEvent, WatchBatch } from "../../ports.ts";

export interface WatchPart {
  readonly events: readonly StoreEvent[];
  /** More parts of the same response follow, perhaps of the same revision. */
  readonly fragment: boolean;
}

export class WatchPosition {
  #next: number;
  /** Events of the last revision seen, whose rest may be in the next fragment. */
  #held: readonly StoreEvent[] = [];

  constructor(fromRevision: number) {
    this.#next = fromRevision;
  }

  /** The revision to ask a new stream for. What an earlier stream left half done comes again. */
  resume(): number {
    this.#held = [];
    return this.#next;
  }

  take({ events, fragment }: WatchPart): WatchBatch {
    const known = [...this.#held, ...events].filter((event) => revisionOf(event) >= this.#next);
    const last = known.at(-1);
    const openFrom = fragment && last ? revisionOf(last) : Infinity;
    this.#held = known.filter((event) => revisionOf(event) >= openFrom);
    const whole = known.filter((event) => revisionOf(event) < openFrom);
    const lastWhole = whole.at(-1);
    if (lastWhole) this.#next = revisionOf(lastWhole) + 1;
    return { revision: this.#next - 1, events: whole };
  }
}

function revisionOf(event: StoreEvent): number {
  return event.type === "put" ? event.entry.modRevision : event.modRevision;
}
