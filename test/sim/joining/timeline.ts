// Virtual time without promises: thousands of lives a minute. Events of the same moment run in the order in which they were set.
interface Event {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

export class Timeline {
  nowMs = 0;
  steps = 0;
  #order = 0;
  /** Binary heap by (atMs, order). */
  readonly #heap: Event[] = [];

  after(ms: number, run: () => void): void {
    const heap = this.#heap;
    heap.push({ atMs: this.nowMs + ms, order: this.#order++, run });
    let at = heap.length - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(heap, at, parent)) break;
      swap(heap, at, parent);
      at = parent;
    }
  }

  /** Runs all that is due until then; `each` is called after every event. */
  runUntil(atMs: number, each: () => void): void {
    for (let next = this.#heap[0]; next !== undefined && next.atMs <= atMs; next = this.#heap[0]) {
      this.#pop();
      this.nowMs = next.atMs;
      this.steps += 1;
      next.run();
      each();
    }
    this.nowMs = atMs;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    heap[0] = last;
    for (let at = 0; ;) {
      const left = 2 * at + 1;
      let least = at;
      if (left < heap.length && isBefore(heap, left, least)) least = left;
      if (left + 1 < heap.length && isBefore(heap, left + 1, least)) least = left + 1;
      if (least === at) return;
      swap(heap, at, least);
      at = least;
    }
  }
}

function isBefore(heap: readonly Event[], a: number, b: number): boolean {
  const first = heap[a];
  const second = heap[b];
  if (first === undefined || second === undefined) return false;
  return first.atMs < second.atMs || (first.atMs === second.atMs && first.order < second.order);
}

function swap(heap: Event[], a: number, b: number): void {
  const first = heap[a];
  const second = heap[b];
  if (first === undefined || second === undefined) return;
  heap[a] = second;
  heap[b] = first;
}
