// How many connections 733 and 734 take, from whom, and how often one source may ask: whatever comes, memory and work stay bounded, and the
// nodes of the house are not shut out by others. Pure.

/** Asks a source may make at once, and how fast they grow again. */
interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

export interface GateLimits {
  readonly strangersMax: number;
  readonly strangersPerSourceMax: number;
  /** Of those that have proven to be members, all together. */
  readonly membersMax: number;
  /**
   * From one address of a node of the house, while they have not proven to be a member: whatever runs on that computer may speak from it, and is
   * to take nobody else's place. The rate is of those that never prove it.
   */
  readonly unproven: { readonly perAddressMax: number; readonly rate: Rate };
}

const GATE_LIMITS: GateLimits = {
  strangersMax: 64,
  strangersPerSourceMax: 8,
  membersMax: 512,
  unproven: { perAddressMax: 16, rate: { burst: 60, perSecond: 20 } },
};

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
  /** How to close each, the oldest first. */
  readonly #unproven = new Map<string, Set<() => void>>();
  #strangersNow = 0;
  #membersNow = 0;

  constructor(limits: GateLimits = GATE_LIMITS) {
    this.#limits = limits;
  }

  /** A place for a connection that has proven nothing yet; undefined: there is none. Who is favoured may be closed for a newer one. */
  enter(address: string, nowMs: number, { favoured, close }: Entering): Place | undefined {
    if (favoured) return this.#enterFavoured(plainOf(address), nowMs, close);
    const source = sourceOf(address);
    if (this.#strangersNow >= this.#limits.strangersMax || this.#of(source) >= this.#limits.strangersPerSourceMax) return undefined;
    if (!this.may("connect", address, nowMs) || !spend(this.#all, ALL_CONNECT, nowMs)) return undefined;
    this.#count(source, 1);
    return this.#place({ release: () => this.#count(source, -1) });
  }

  /** May this source do that once more now? */
  may(what: Rated, address: string, nowMs: number): boolean {
    return spend(this.#bucket(`${what} ${sourceOf(address)}`, RATES[what], nowMs), RATES[what], nowMs);
  }

  /** A handshake is over soon; so the newest have the places, and who only holds them keeps nobody out. */
  #enterFavoured(address: string, nowMs: number, close: () => void): Place | undefined {
    const { perAddressMax, rate } = this.#limits.unproven;
    const bucket = this.#bucket(`favoured ${address}`, rate, nowMs);
    if (!spend(bucket, rate, nowMs)) return undefined;
    const pool = this.#unproven.get(address) ?? new Set();
    const [oldest] = pool;
    if (pool.size >= perAddressMax) oldest?.();
    const evict = (): void => {
      place.leave();
      close();
    };
    const release = (): void => {
      pool.delete(evict);
      if (pool.size === 0) this.#unproven.delete(address);
    };
    const place = this.#place({ release, proven: () => (bucket.level = Math.min(rate.burst, bucket.level + 1)) });
    pool.add(evict);
    this.#unproven.set(address, pool);
    return place;
  }

  #bucket(key: string, { burst }: Rate, nowMs: number): Bucket {
    const bucket = this.#buckets.get(key) ?? { level: burst, atMs: nowMs };
    this.#buckets.delete(key); // the map keeps the order of use
    this.#buckets.set(key, bucket);
    for (const [oldest] of this.#buckets) {
      if (this.#buckets.size <= SOURCES_MAX) break;
      this.#buckets.delete(oldest);
    }
    return bucket;
  }

  #of(source: string): number {
    return this.#strangers.get(source) ?? 0;
  }

  #place(entered: Held): Place {
    let held: Held | undefined = entered;
    let isMember = false;
    return {
      promote: () => {
        if (held === undefined) return false;
        if (isMember) return true;
        if (this.#membersNow >= this.#limits.membersMax) return false;
        held.release();
        held.proven?.();
        this.#membersNow += 1;
        held = { release: () => void (this.#membersNow -= 1) };
        return (isMember = true);
      },
      leave: () => {
        held?.release();
        held = undefined;
      },
    };
  }

  #count(source: string, by: 1 | -1): void {
    this.#strangersNow += by;
    const count = this.#of(source) + by;
    if (count > 0) this.#strangers.set(source, count);
    else this.#strangers.delete(source);
  }
}

interface Held {
  readonly release: () => void;
  /** It was a member's. */
  readonly proven?: () => void;
}

export interface Entering {
  /** It comes from an address of a node of the house. */
  readonly favoured: boolean;
  readonly close: () => void;
}

export interface Place {
  /** It turned out to be a member; false: there is no room for one more. */
  promote(): boolean;
  leave(): void;
}

/** IPv4 addresses as they are, also mapped ones; of IPv6 the /64, for one computer has as many addresses of it as it likes. */
export function sourceOf(address: string): string {
  const plain = plainOf(address);
  if (!plain.includes(":")) return plain;
  const [head = "", tail] = (address.split("%")[0] ?? "").split("::");
  const groups = head === "" ? [] : head.split(":");
  const after = tail === undefined || tail === "" ? [] : tail.split(":");
  const filled =
    tail === undefined ? groups : [...groups, ...Array.from({ length: 8 - groups.length - after.length }, () => "0"), ...after];
  return filled.slice(0, 4).join(":");
}

function plainOf(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address;
}

function spend(bucket: Bucket, { burst, perSecond }: Rate, nowMs: number): boolean {
  bucket.level = Math.min(burst, bucket.level + (Math.max(0, nowMs - bucket.atMs) / 1000) * perSecond);
  bucket.atMs = nowMs;
  if (bucket.level < 1) return false;
  bucket.level -= 1;
  return true;
}
