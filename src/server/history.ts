// Of what was applied the last ones are kept, to go back to; the rest goes.
import { PREFIX } from "../api/keys.ts";
import type { Kind, Name } from "../api/resource.ts";
import type { Store } from "../ports.ts";
import type { ServerPorts } from "./ports.ts";

const HISTORY_MAX = 10;
const TRIM_WITHIN_MS = 10_000;
/** The store takes 2,048 in one transaction. */
const DELETES_MAX = 512;

/** Outside the change's transaction, and nobody waits for it: what is too much today goes with the next change. */
export function trimHistory(
  { store, log }: Pick<ServerPorts, "store" | "log">,
  changed: readonly { readonly kind: Kind; readonly name: Name; readonly generation: number }[],
): void {
  const signal = AbortSignal.timeout(TRIM_WITHIN_MS);
  for (const { kind, name, generation } of changed)
    if (generation > HISTORY_MAX)
      trimmedHistory(store, kind, name, signal).catch((error: unknown) => log.debug("History was not trimmed", { kind, name, error }));
}

/** The keys that are left. */
export async function trimmedHistory(
  store: Pick<Store, "list" | "commit">,
  kind: Kind,
  name: Name,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { entries } = await store.list(`${PREFIX.history}${kind}/${name}/`, signal);
  const kept = entries.map(({ key }) => key).sort(); // generations are padded
  const old = kept.splice(0, Math.max(0, kept.length - HISTORY_MAX));
  for (let at = 0; at < old.length; at += DELETES_MAX)
    await store.commit({ compare: [], writes: old.slice(at, at + DELETES_MAX).map((key) => ({ delete: key })) }, signal);
  return kept;
}
