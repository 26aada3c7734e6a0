// A listing: all that stands below some prefixes, in pages at one revision. A page has as many entries as the link brings in time and one
// answer may hold; how many that are is remembered from listing to listing.
import type { Etcd3, IRangeResponse } from "etcd3";
import type { Clock, Entry, Listing } from "../../ports.ts";
import type { Call } from "./calls.ts";
import { faultOf } from "./faults.ts";
import { afterKey, endOfPrefix, toEntry } from "./wire.ts";

/** Each attempt asks for as many entries as are right then. */
export type Read = <T>(call: Call<T>) => Promise<T>;

interface Range {
  readonly key: Buffer;
  readonly range_end: Buffer;
  /** 0: the newest, as a quorum has it. */
  readonly revision: string | number;
}

export const PAGE_ENTRIES_MAX = 500;
/** After a page that came faster the next one has twice as many entries: it comes within half an attempt. */
const QUICK_MS = 1_000;
/** So few are left of a page that did not come: each one costs the time of a whole attempt. */
const LESS = 1 / 4;

export class Lister {
  readonly #clock: Clock;
  #pageEntries = PAGE_ENTRIES_MAX;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined: it must begin anew, for the revision was compacted or another cluster answered. Throws what `read` throws. */
  async list(prefixes: readonly string[], read: Read): Promise<Listing | undefined> {
    const entries: Entry[] = [];
    let first: IRangeResponse["header"] | undefined;
    for (const prefix of prefixes) {
      for (let key: Buffer | undefined = Buffer.from(prefix); key;) {
        const range: Range = { key, range_end: endOfPrefix(prefix), revision: first?.revision ?? 0 };
        const page = await read((etcd) => this.#ask(etcd, range)).catch(undefinedIfRevisionIsGone);
        if (!page) return undefined;
        first ??= page.header;
        if (page.header.cluster_id !== first.cluster_id) return undefined;
        for (const pair of page.kvs) entries.push(toEntry(pair));
        const last = page.kvs.at(-1);
        key = page.more && last ? afterKey(last.key.toString()) : undefined;
      }
    }
    return { entries, revision: Number(first?.revision ?? 0), clusterId: first?.cluster_id ?? "" };
  }

  async #ask(etcd: Etcd3, range: Range): Promise<IRangeResponse> {
    const limit = this.#pageEntries;
    const askedAtMs = this.#clock.now();
    try {
      const page = await etcd.kv.range({ ...range, limit });
      const isQuick = this.#clock.now() - askedAtMs < QUICK_MS;
      if (isQuick && page.more) this.#pageEntries = Math.min(2 * limit, PAGE_ENTRIES_MAX);
      return page;
    } catch (error) {
      const fault = faultOf(error);
      const mayBeTooMuch = fault === "tooLarge" || fault === "unanswered";
      if (mayBeTooMuch) this.#pageEntries = Math.max(1, Math.min(this.#pageEntries, Math.floor(limit * LESS)));
      throw error;
    }
  }
}

/** Compacted, or not yet reached in a store that has gone back. */
function undefinedIfRevisionIsGone(error: unknown): undefined {
  if (error instanceof Error && error.message.includes("mvcc: required revision")) return undefined;
  throw error;
}
