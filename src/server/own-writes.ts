// Reading one's own writes: what was written is answered once this node's copy of the store has it, so that the next `get` shows it.
import { ApiError } from "./api-error.ts";
import type { ServerPorts } from "./ports.ts";

/** A copy that is not fresh must not keep the answer back for long: the write is made. */
export const SEEN_WITHIN_MS = 1_000;

export async function seen(
  { reader, clock }: Pick<ServerPorts, "reader" | "clock">,
  revision: number,
  withinMs = SEEN_WITHIN_MS,
): Promise<void> {
  if (reader.revision >= revision) return;
  await new Promise<void>((resolve) => {
    const done = (): void => {
      cancel();
      unsubscribe();
      resolve();
    };
    const cancel = clock.timer(withinMs, done);
    const unsubscribe = reader.subscribe(() => {
      if (reader.revision >= revision) done();
    });
  });
}

/** An agent that has just started reads the store within moments. */
const FIRST_LIST_WITHIN_MS = 5_000;

/** Before the first list nothing can be said: an empty answer would be a lie. Throws NoQuorum when it does not come. */
export async function listed(ports: Pick<ServerPorts, "reader" | "clock">): Promise<void> {
  await seen(ports, 1, FIRST_LIST_WITHIN_MS);
  if (ports.reader.revision === 0)
    throw new ApiError("NoQuorum", "This node has not read the house's store yet, so it cannot say what there is.", {
      next: "fossora status",
    });
}
