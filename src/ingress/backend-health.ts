// Which backend to try first: this node's own in turn, then the others, and last those that could not be reached a moment ago. Pure.
import type { Backend } from "../api/table.ts";
import type { BackendOrder } from "../ports.ts";

const OUT_MS = 10_000;

export class BackendHealth implements BackendOrder {
  readonly #outUntilMs = new Map<string, number>();
  #turn = 0;

  order(backends: readonly Backend[], node: string, nowMs: number): readonly Backend[] {
    if (backends.length < 2) return backends;
    this.#turn = (this.#turn + 1) % Number.MAX_SAFE_INTEGER;
    const own = backends.filter((backend) => backend.node === node);
    const shift = own.length === 0 ? 0 : this.#turn % own.length;
    const inTurn = [...own.slice(shift), ...own.slice(0, shift), ...backends.filter((backend) => backend.node !== node)];
    const isOut = (backend: Backend): boolean => (this.#outUntilMs.get(keyOf(backend)) ?? 0) > nowMs;
    return [...inTurn.filter((backend) => !isOut(backend)), ...inTurn.filter(isOut)];
  }

  unreachable(backend: Backend, nowMs: number): void {
    this.#outUntilMs.set(keyOf(backend), nowMs + OUT_MS);
  }

  /** A new table: what was out may have been started anew at the same address. */
  forget(): void {
    this.#outUntilMs.clear();
  }
}

function keyOf(backend: Backend): string {
  return `${backend.host}:${backend.port}`;
}
