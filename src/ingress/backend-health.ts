// Which backend to try first: this node's own in turn, then those of other nodes in turn, and last those that could not be reached a moment ago. Pure.
import type { Backend } from "../api/table.ts";
import type { BackendOrder } from "../ports.ts";

const OUT_MS = 10_000;

export class BackendHealth implements BackendOrder {
  readonly #outUntilMs = new Map<string, number>();
  /** By the first of a route's backends, here and elsewhere: the requests of one app shift nobody else's turns. */
  readonly #turns = new Map<string, number>();

  order(backends: readonly Backend[], node: string, nowMs: number): readonly Backend[] {
    if (backends.length < 2) return backends;
    const inTurn = [
      ...this.#inTurn(backends.filter((backend) => backend.node === node)),
      ...this.#inTurn(backends.filter((backend) => backend.node !== node)),
    ];
    const isOut = (backend: Backend): boolean => (this.#outUntilMs.get(keyOf(backend)) ?? 0) > nowMs;
    return [...inTurn.filter((backend) => !isOut(backend)), ...inTurn.filter(isOut)];
  }

  unreachable(backend: Backend, nowMs: number): void {
    this.#outUntilMs.set(keyOf(backend), nowMs + OUT_MS);
  }

  /** A new table: what is not in it any more is forgotten, since it may come back at the same address. */
  keep(backends: Iterable<Backend>): void {
    const keys = new Set(Array.from(backends, keyOf));
    for (const known of [this.#outUntilMs, this.#turns]) for (const key of known.keys()) if (!keys.has(key)) known.delete(key);
  }

  #inTurn(equals: readonly Backend[]): readonly Backend[] {
    const [first] = equals;
    if (first === undefined || equals.length === 1) return equals;
    const turn = ((this.#turns.get(keyOf(first)) ?? 0) + 1) % equals.length;
    this.#turns.set(keyOf(first), turn);
    return [...equals.slice(turn), ...equals.slice(0, turn)];
  }
}

function keyOf(backend: Backend): string {
  return `${backend.node} ${backend.host}:${backend.port}`; // two nodes may use the same addresses
}
