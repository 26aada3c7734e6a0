// Conditions through time: when each came to be as it is. Pure; the wall time is given by whoever stands at the edge.
import { canonicalJson } from "./hash.ts";
import type { Condition } from "./resource.ts";

/** Stamps what changed with `wall` (RFC 3339); what says the same as before keeps its time, whatever its message. */
export function stamped(conditions: readonly Condition[], before: readonly Condition[], wall: string): readonly Condition[] {
  return conditions.map((condition) => {
    const same = before.find(
      (each) => each.type === condition.type && each.status === condition.status && each.reason === condition.reason,
    );
    return { ...condition, lastTransitionTime: same?.lastTransitionTime ?? wall };
  });
}

/** The same but for times: nothing new to tell. */
export function unstamped(conditions: readonly Condition[]): readonly Omit<Condition, "lastTransitionTime">[] {
  return conditions.map(({ lastTransitionTime: _, ...rest }) => rest);
}

/** The newest of the times at which its inputs changed. */
export function newestTransition(conditions: readonly Condition[]): string | undefined {
  const times = conditions.map(({ lastTransitionTime }) => lastTransitionTime).filter((time) => time !== undefined);
  return times.sort().at(-1);
}

/** Whether two nodes' lists say the same, whenever each came to be so. */
export function sameConditions(a: readonly Condition[], b: readonly Condition[]): boolean {
  return canonicalJson(unstamped(a)) === canonicalJson(unstamped(b));
}
