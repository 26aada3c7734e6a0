// Who was really heard, whatever the nodes make of it: nobody may be condemned by one that hears him, be it over a third, nor by one that
// does not hear most of those who vote.
import type { NodeName } from "../../src/api/resource.ts";
import { SUSPECT_AFTER_MS } from "../../src/liveness/liveness.ts";
import type { SimNode } from "./node.ts";

/** A verdict may be so long on its way. */
const GRACE_MS = 10_000;

export interface HearingOptions {
  readonly hears: (to: SimNode, from: SimNode) => boolean;
  /** Node ids; none: nobody asks for a majority. */
  readonly voters: () => readonly string[];
}

export class Hearing {
  readonly #options: HearingOptions;
  /** `n1 n2`: when n1 last did not hear of n2. */
  readonly #unheardAtMs = new Map<string, number>();
  /** And when it last did. */
  readonly #heardAtMs = new Map<string, number>();
  /** When it last heard of most of the voters, itself included. */
  readonly #heardMostAtMs = new Map<NodeName, number>();

  constructor(options: HearingOptions) {
    this.#options = options;
  }

  /** Until now all heard all. */
  begin(all: readonly SimNode[], nowMs: number): void {
    for (const { name } of all) this.#heardMostAtMs.set(name, nowMs);
  }

  /** To be called while anything is amiss, more often than anybody is condemned. */
  look(all: readonly SimNode[], nowMs: number): void {
    const voters = new Set(this.#options.voters());
    for (const by of all) {
      const heard = all.filter((node) => node === by || this.#hearsOf(by, node, all));
      for (const node of all) (heard.includes(node) ? this.#heardAtMs : this.#unheardAtMs).set(`${by.name} ${node.name}`, nowMs);
      // Nobody is suspected before: of two that take turns both count.
      const isHeardNow = ({ name }: SimNode): boolean =>
        nowMs - (this.#heardAtMs.get(`${by.name} ${name}`) ?? -Infinity) <= SUSPECT_AFTER_MS;
      const votes = all.filter((node) => voters.has(node.nodeId) && isHeardNow(node)).length;
      if (votes > voters.size / 2 || voters.size === 0) this.#heardMostAtMs.set(by.name, nowMs);
    }
  }

  /** Undefined: it may be condemned. */
  whyAlive(node: NodeName, by: NodeName, nowMs: number): string | undefined {
    if (nowMs - (this.#unheardAtMs.get(`${by} ${node}`) ?? -Infinity) > GRACE_MS) return `${by} has heard of it all the while`;
    const heardMostAtMs = this.#heardMostAtMs.get(by) ?? nowMs;
    return nowMs - heardMostAtMs > GRACE_MS ? `${by} has not heard most of those who vote` : undefined;
  }

  /** Itself, or over a third. */
  #hearsOf(by: SimNode, node: SimNode, all: readonly SimNode[]): boolean {
    if (!by.alive) return false;
    return (
      this.#hearsItself(by, node, all) ||
      all.some((third) => third.alive && this.#options.hears(by, third) && this.#hearsItself(third, node, all))
    );
  }

  /** A sign of life of its agent, which hears somebody, or an answer of its ingress. */
  #hearsItself(to: SimNode, from: SimNode, all: readonly SimNode[]): boolean {
    return this.#options.hears(to, from) && (from.alive ? all.some((third) => this.#answers(from, third)) : this.#answers(to, from));
  }

  /** By its agent or by its ingress alone, which must be asked. */
  #answers(to: SimNode, from: SimNode): boolean {
    const { hears } = this.#options;
    return hears(to, from) && (from.alive || hears(from, to));
  }
}
