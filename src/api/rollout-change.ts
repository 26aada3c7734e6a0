// What a person does with the rollout of a Service, as a change of what is desired: so any node goes on with it. Pure.
import type { ServiceSpec } from "./types.ts";
import { canonicalJson } from "./hash.ts";

/** The body of `PATCH /api/v1/services/NAME/rollout`. */
export type RolloutChange =
  | { readonly action: "pause" | "resume" | "restart" }
  /** `to`: that generation; absent: the newest one before this that was another. */
  | { readonly action: "undo"; readonly to?: number };

/** One generation that was applied, of the last ten. */
export interface Revision {
  readonly generation: number;
  readonly spec: ServiceSpec;
}

/** Undefined: there is nothing to go back to. `now`: RFC 3339. */
export function changedSpec(
  current: Revision,
  change: RolloutChange,
  { history, now }: { readonly history: readonly Revision[]; readonly now: string },
): ServiceSpec | undefined {
  const { spec } = current;
  const { paused: _, ...update } = spec.update;
  switch (change.action) {
    case "pause":
      return { ...spec, update: { ...update, paused: true } };
    case "resume":
      return { ...spec, update };
    case "restart":
      return { ...spec, update: { ...spec.update, restartedAt: now } };
    case "undo": {
      const before = goneBackTo(current, change.to, history);
      return before && { ...before.spec, update: withoutPause(before.spec.update) };
    }
  }
}

/** What an undo returns to. */
export function goneBackTo<R extends Revision>(current: Revision, to: number | undefined, history: readonly R[]): R | undefined {
  if (to !== undefined) return history.find(({ generation }) => generation === to);
  return history
    .filter(({ generation, spec }) => generation < current.generation && essence(spec) !== essence(current.spec))
    .toSorted((a, b) => b.generation - a.generation)[0];
}

/** A pause or a restart is nothing that one goes back from. */
function essence(spec: ServiceSpec): string {
  const { restartedAt: _, ...update } = withoutPause(spec.update);
  return canonicalJson({ ...spec, update });
}

function withoutPause({ paused: _, ...update }: ServiceSpec["update"]): ServiceSpec["update"] {
  return update;
}
