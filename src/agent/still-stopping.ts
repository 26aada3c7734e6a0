// What a node that belongs to the house no more may still be stopping: as long as the house keeps its last word of that, nothing that must not
// run beside it starts elsewhere. Pure.
import { takenOutMs } from "../../controllers/service/lost.ts";
import { cannotRunTwice } from "../../controllers/service/traits.ts";
import type { DecidedService, ObservedService } from "../api/state.ts";

/** What is decided is waited for by its node's record; `undefined` values could not be read. */
export function isStillStopping(observed: ObservedService | undefined, decided: DecidedService | undefined, goneForMs: number): boolean {
  if (observed === undefined || decided === undefined) return false;
  const ids = new Set(decided.instances.map(({ id }) => id));
  return observed.instances.some(({ id, revision }) => {
    const spec = decided.revisions[revision]?.spec ?? decided.revisions[decided.target]?.spec;
    return !ids.has(id) && spec !== undefined && cannotRunTwice(spec) && goneForMs < takenOutMs(spec);
  });
}
