// Reading one's own writes: what was written is answered once this node's copy of the store has it, so that the next `get` shows it.
import type { ServerPorts } from "./ports.ts";

/** A copy that is not fresh must not keep the answer back for long: the write is made. */
export const SEEN_WITHIN_MS = 1_000;

export async function seen({ reader, clock }: Pick<ServerPorts, "reader" | "clock">, revision: number): Promise<void> {
  if (reader.revision >= revision) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      cancel();
      unsubscribe();
      resolve();
    };
    const cancel = clock.timer(SEEN_WITHIN_MS, done);
    const unsubscribe = reader.subscribe(() => {
      if (reader.revision >= revision) done();
    });
  });
}
