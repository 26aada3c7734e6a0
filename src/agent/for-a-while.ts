// Asking the kernel costs a millisecond, and many ask: an answer is good for a second.
import type { Clock } from "../ports.ts";

const FOR_MS = 1_000;

export function forAWhile<T>(clock: Pick<Clock, "now">, read: () => T): () => T {
  let last = { value: read(), atMs: clock.now() };
  return () => {
    if (clock.now() - last.atMs >= FOR_MS) last = { value: read(), atMs: clock.now() };
    return last.value;
  };
}
