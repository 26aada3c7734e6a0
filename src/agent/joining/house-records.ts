// Reads from the store who wants in and who belongs to the house, whole, because there are few; and when this agent first saw each so.
import { keys, PREFIX } from "../../api/keys.ts";
import { houseRecords, type HouseRecords } from "../../joining/house-records.ts";
import type { Ms } from "../../joining/house-view.ts";
import type { Clock, Store } from "../../ports.ts";

const ROSTER = `${PREFIX.house}nodes/`;

export class RecordsReader {
  readonly #store: Pick<Store, "list" | "get">;
  readonly #clock: Pick<Clock, "now">;
  #seen: ReadonlyMap<string, { readonly modRevision: number; readonly atMs: Ms }> = new Map();

  constructor(store: Pick<Store, "list" | "get">, clock: Pick<Clock, "now">) {
    this.#store = store;
    this.#clock = clock;
  }

  /** Throws StoreUnavailable. */
  async read(signal: AbortSignal): Promise<HouseRecords> {
    const [queue, roster, timing] = await Promise.all([
      this.#store.list(PREFIX.queue, signal),
      this.#store.list(ROSTER, signal),
      this.#store.get(keys.timing, signal),
    ]);
    const seen = new Map<string, { readonly modRevision: number; readonly atMs: Ms }>();
    const records = houseRecords([...queue.entries, ...roster.entries, ...(timing === undefined ? [] : [timing])], (key, modRevision) => {
      const before = this.#seen.get(key);
      const atMs = before?.modRevision === modRevision ? before.atMs : this.#clock.now();
      seen.set(key, { modRevision, atMs });
      return atMs;
    });
    this.#seen = seen;
    return records;
  }
}

/** Somebody wants in. */
export function isUnderWay({ entries, active }: HouseRecords): boolean {
  return entries.length > 0 || active !== undefined;
}
