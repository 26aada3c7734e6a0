// The containers of a node that has left its house: nobody decides about them any more, and the house may run the same apps elsewhere.
import type { Containers } from "../container-ports.ts";
import type { Log } from "../ports.ts";

const STOP_GRACE_MS = 10_000;

/** Answers how many there were; their volumes stay. */
export async function removeContainers(
  { containers, log }: { readonly containers: Pick<Containers, "list" | "stop" | "remove">; readonly log: Log },
  signal: AbortSignal,
): Promise<number> {
  const all = await containers.list(undefined, signal).catch(() => []); // without an engine nothing runs
  await Promise.all(
    all.map(async ({ id, name }) => {
      await containers.stop(id, STOP_GRACE_MS, signal);
      await containers.remove(id, signal);
      log.info("Container removed", { name, why: "this node left its house" });
    }),
  );
  return all.length;
}
