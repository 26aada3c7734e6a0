// What befalls a house of lab hosts, drawn from a seed: episodes of one or a few faults, each with its own beginning and end, and rests between
// them. Pure: the same seed, the same trouble.
import type { SeededRandom } from "../fakes/clock.ts";

/** They take a computer, or its part of the store, away for as long as they last; what follows the dash says how. */
const AWAY = ["power", "pause", "hang", "cut", "cut-out", "cut-in", "dockerd", "disk", "etcd"] as const;
/** The house goes on with what it has: a program that is started again at once, a slow link, two computers that do not see each other. */
const MINOR = ["agent", "ingress", "slow", "cut-pair"] as const;
/** Of a house that must not notice: nothing of it lasts for two seconds, or costs a link more than it may. */
const CALM = ["stall", "slow", "busy"] as const;

export type FaultKind = (typeof AWAY)[number] | (typeof MINOR)[number] | (typeof CALM)[number] | "wipe";

export interface Fault {
  readonly kind: FaultKind;
  /** Number of the host, from 1. */
  readonly host: number;
  /** The other end of what lies between two. */
  readonly other?: number;
  readonly delayMs?: number;
  /** Since the beginning of its episode. */
  readonly atMs: number;
  readonly forMs: number;
}

export interface Episode {
  readonly faults: readonly Fault[];
  /** The house is built to survive it: its apps answer meanwhile, or soon again. Else only nothing wrong may be said or done. */
  readonly tolerated: boolean;
  readonly restMs: number;
}

const DURATIONS_MS = [1_500, 5_000, 10_000, 25_000, 45_000];
const CALM_DURATIONS_MS = [5_000, 15_000, 30_000];
const DELAYS_MS = [20, 50, 100, 200];
const STALL_MS_MAX = 1_800;
/** A program that is killed is started again at once: nothing lasts. */
const KILLED_MS = 1_500;
const REST_MS = [1_000, 15_000] as const;
/** Its disk is never wiped: data that nobody copies lies there. */
const DATA_HOST = 1;

/** Without end. */
export function* drawEpisodes(
  random: SeededRandom,
  { hosts, calm }: { readonly hosts: 3 | 5; readonly calm: boolean },
): Generator<Episode, never> {
  const drawer = new Drawer(random, hosts);
  for (;;) yield calm ? drawer.calm() : drawer.trouble();
}

/** How many of a house's computers may be away at once. */
export function tolerance(hosts: 3 | 5): number {
  return (hosts - 1) / 2;
}

class Drawer {
  readonly #random: SeededRandom;
  readonly #hosts: readonly number[];
  readonly #tolerance: number;

  constructor(random: SeededRandom, hosts: 3 | 5) {
    this.#random = random;
    this.#hosts = Array.from({ length: hosts }, (_, index) => index + 1);
    this.#tolerance = tolerance(hosts);
  }

  trouble(): Episode {
    const random = this.#random;
    const dice = random.next();
    const first = random.pick(this.#hosts);
    if (dice < 0.06) return this.#episode([this.#wipe()], true);
    if (dice < 0.45) return this.#episode([random.chance(0.75) ? this.#away(first) : this.#minor(first)], true);
    if (dice < 0.65) return this.#episode([this.#away(first), this.#minor(random.pick(this.#hosts))], true);
    if (dice < 0.75) return this.#episode([this.#minor(first), this.#minor(random.pick(this.#hosts))], true);
    const others = this.#hosts.filter((host) => host !== first);
    // One after the other on the same computer, or as many computers as the house can spare.
    if (dice < 0.88) {
      const more = others.slice(0, this.#tolerance - 1);
      return this.#episode([this.#away(first), ...(more.length > 0 ? more : [first]).map((host) => this.#away(host))], true);
    }
    const lost = this.#shuffled(others).slice(0, this.#tolerance);
    return this.#episode([this.#away(first), ...lost.map((host) => this.#away(host))], false);
  }

  calm(): Episode {
    const random = this.#random;
    const host = random.pick(this.#hosts);
    const kind = random.pick(CALM);
    if (kind === "stall") return this.#episode([{ kind, host, atMs: 0, forMs: random.int(300, STALL_MS_MAX) }], true);
    const forMs = random.pick(CALM_DURATIONS_MS);
    if (kind === "slow") return this.#episode([{ kind, host, delayMs: random.int(20, 200), atMs: 0, forMs }], true);
    return this.#episode([{ kind, host, atMs: 0, forMs }], true);
  }

  #episode(faults: readonly Fault[], tolerated: boolean): Episode {
    return { faults, tolerated, restMs: this.#random.int(...REST_MS) };
  }

  #away(host: number): Fault {
    return this.#timed({ kind: this.#random.pick(AWAY), host });
  }

  #minor(host: number): Fault {
    const random = this.#random;
    const kind = random.pick(MINOR);
    if (kind === "slow") return this.#timed({ kind, host, delayMs: random.pick(DELAYS_MS) });
    if (kind === "cut-pair") return this.#timed({ kind, host, other: random.pick(this.#hosts.filter((other) => other !== host)) });
    const killed = this.#timed({ kind, host });
    return { ...killed, forMs: Math.min(killed.forMs, KILLED_MS) };
  }

  #wipe(): Fault {
    return this.#timed({ kind: "wipe", host: this.#random.pick(this.#hosts.filter((host) => host !== DATA_HOST)) });
  }

  /** The second one of an episode begins while the first lasts, or just after it. */
  #timed(fault: Pick<Fault, "kind" | "host" | "other" | "delayMs">): Fault {
    return { ...fault, atMs: this.#random.int(0, 4_000), forMs: this.#random.pick(DURATIONS_MS) };
  }

  #shuffled<T>(list: readonly T[]): readonly T[] {
    return list
      .map((each) => [this.#random.next(), each] as const)
      .sort(([a], [b]) => a - b)
      .map(([, each]) => each);
  }
}

/** One fault after the other on each host: what is without power cannot be paused. */
export function inTurn(faults: readonly Fault[]): readonly Fault[] {
  const freeFrom = new Map<number, number>();
  return [...faults]
    .sort((a, b) => a.atMs - b.atMs)
    .map((fault) => {
      const atMs = Math.max(fault.atMs, freeFrom.get(fault.host) ?? 0);
      freeFrom.set(fault.host, atMs + fault.forMs + 1);
      return { ...fault, atMs };
    });
}

/** Whether a host is out of what clients may expect: it, or its link, is not itself. */
export function takesAway({ kind }: Fault): boolean {
  return (AWAY as readonly FaultKind[]).includes(kind) || kind === "wipe";
}

export function sentence({ kind, host, other, delayMs, forMs }: Fault): string {
  const end = other === undefined ? "" : ` from h${other}`;
  return `h${host}: ${kind}${end}${delayMs === undefined ? "" : ` ${delayMs} ms`} for ${(forMs / 1000).toFixed(1)} s`;
}
