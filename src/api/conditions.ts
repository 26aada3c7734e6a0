// Conditions as a set: which one matters most, and since when each holds. Pure.
import type { Condition } from "./resource.ts";

/** Conditions that are bad news when they are true. */
const BAD_WHEN_TRUE: ReadonlySet<string> = new Set(["Stalled", "Reconciling"]);

/** The one whose reason a person should see first; undefined: there is none. */
export function worstCondition(conditions: readonly Condition[]): Condition | undefined {
  return conditions.reduce<Condition | undefined>((worst, condition) => (worst === undefined || badness(condition) > badness(worst) ? condition : worst), undefined);
}

/** `next` with the time of each one's last change of status: kept while the status is the same, else `now` (RFC 3339). */
export function stampConditions(next: readonly Condition[], previous: readonly Condition[], now: string): readonly Condition[] {
  return next.map((condition) => {
    const before = previous.find(({ type }) => type === condition.type);
    return { ...condition, lastTransitionTime: before?.status === condition.status ? (before.lastTransitionTime ?? now) : now };
  });
}

function badness({ type, status }: Condition): number {
  if (BAD_WHEN_TRUE.has(type)) return status === "True" ? (type === "Stalled" ? 6 : 2) : 0;
  const ready = type === "Ready" ? 1 : 0;
  if (status === "False") return 4 + ready;
  return status === "Unknown" ? 3 : ready;
}
