// What one fake says to all who listen now; who comes later has missed it, as with a real stream.
export class Broadcast<T> {
  readonly #listeners = new Set<(value: T) => void>();

  send(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }

  /** Listens from this call on, not from the first `next()`; throws the signal's reason in the end. */
  subscribe(signal: AbortSignal): AsyncIterable<T> {
    const waiting: T[] = [];
    let wake = (): void => {};
    const listener = (value: T): void => {
      waiting.push(value);
      wake();
    };
    const onAbort = (): void => wake();
    this.#listeners.add(listener);
    signal.addEventListener("abort", onAbort, { once: true });
    const stop = (): void => {
      this.#listeners.delete(listener);
      signal.removeEventListener("abort", onAbort);
    };
    async function* read(): AsyncIterable<T> {
      try {
        for (;;) {
          signal.throwIfAborted();
          const next = waiting.shift();
          if (next !== undefined) yield next;
          else await new Promise<void>((resolve) => (wake = resolve));
        }
      } finally {
        stop();
      }
    }
    return read();
  }
}
