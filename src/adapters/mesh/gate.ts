// How many connections 733 takes, from whom, and how often one source may ask: whatever comes, memory and work stay bounded, and the
// nodes of the house are not shut out by others. Pure.

export interface GateLimits {
  readonly strangersMax: number;
  readonly strangersPerSourceMax: number;
  /** For the addresses of the house's nodes and for members, all together. */
  readonly favouredMax: number;
}

const GATE_LIMITS: GateLimits = { strangersMax: 64, strangersPerSourceMax: 8, favouredMax: 512 };

/** Asks a source may make at once, and how fast they grow again. */
interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

const RATES = {
  connect: { burst: 20, perSecond: 5 },
  hello: { burst: 20, perSecond: 5 },
  join: { burst: 10, perSecond: 1 / 2 }, // a newcomer that nobody has taken asks every 2 s
  renew: { burst: 5, perSecond: 1 / 12 },
} as const satisfies Readonly<Record<string, Rate>>;
export type Rated = keyof typeof RATES;

/** All strangers together: a TLS handshake costs a millisecond. */
const ALL_CONNECT: Rate = { burst: 200, perSecond: 50 };
const SOURCES_MAX = 1_024;

interface Bucket {
  level: number;
  atMs: number;
}

export class Gate {
  readonly #limits: GateLimits;
  readonly #buckets = new Map<string, Bucket>();
  readonly #all: Bucket = { level: ALL_CONNECT.burst, atMs: 0 };
  readonly #strangers = new Map<string, number>();
  #strangersNow = 0;
  #favouredNow = 0;

  constructor(limits: GateLimits = GATE_LIMITS) {
    this.#limits = limits;
  }

  /** A place for a connection that has proven nothing yet; undefined: there is none. */
  enter(address: string, favoured: boolean, nowMs: number): Place | undefined {
    if (favoured) return this.#favouredNow < this.#limits.favouredMax ? this.#take(undefined) : undefined;
    const source = sourceOf(address);
    if (this.#strangersNow >= this.#limits.strangersMax || this.#of(source) >= this.#limits.strangersPerSourceMax) return undefined;
    if (!this.may("connect", address, nowMs) || !spend(this.#all, ALL_CONNECT, nowMs)) return undefined;
    return this.#take(source);
  }

  /** May this source do that once more now? */
  may(what: Rated, address: string, nowMs: number): boolean {
    const key = `${what} ${sourceOf(address)}`;
    const bucket = this.#buckets.get(key) ?? { level: RATES[what].burst, atMs: nowMs };
    this.#buckets.delete(key); // the map keeps the order of use
    this.#buckets.set(key, bucket);
    for (const [oldest] of this.#buckets) {
      if (this.#buckets.size <= SOURCES_MAX) break;
      this.#buckets.delete(oldest);
    }
    return spend(bucket, RATES[what], nowMs);
  }

  #of(source: string): number {
    return this.#strangers.get(source) ?? 0;
  }

  #take(source: string | undefined): Place {
    this.#count(source, 1);
    let [held, left] = [source, false];
    return {
      promote: () => {
        if (left || held === undefined) return !left;
        if (this.#favouredNow >= this.#limits.favouredMax) return false;
        this.#count(held, -1);
        this.#count((held = undefined), 1);
        return true;
      },
      leave: () => {
        if (!left) this.#count(held, -1);
        left = true;
      },
    };
  }

  #count(source: string | undefined, by: 1 | -1): void {
    if (source === undefined) {
      this.#favouredNow += by;
      return;
    }
    this.#strangersNow += by;
    const count = this.#of(source) + by;
    if (count > 0) this.#strangers.set(source, count);
    else this.#strangers.delete(source);
  }
}

export interface Place {
  /** It turned out to be a member; false: there is no room for one more. */
  promote(): boolean;
  leave(): void;
}

/** IPv4 addresses as they are, also mapped ones; of IPv6 the /64, for one computer has as many addresses of it as it likes. */
export function sourceOf(address: string): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined || !address.includes(":")) return mapped ?? address;
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const filled =
    tail === undefined ? groups : [...groups, ...Array.from({ length: 8 - groups.length - after.length }, () => "0"), ...after];
  return filled.slice(0, 4).join(":");
}

function spend(bucket: Bucket, { burst, perSecond }: Rate, nowMs: number): boolean {
  bucket.level = Math.min(burst, bucket.level + (Math.max(0, nowMs - bucket.atMs) / 1000) * perSecond);
  bucket.atMs = nowMs;
  if (bucket.level < 1) return false;
  bucket.level -= 1;
  return true;
}
