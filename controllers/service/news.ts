// What people are told of as it happens: what a decision changed, and what became wrong.
import type { Condition, Name } from "../../src/api/resource.ts";
import type { DecidedService, ObservedInstance } from "../../src/api/state.ts";

export interface News {
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

export function newsOfDecision(service: Name, before: DecidedService | undefined, next: DecidedService | undefined): readonly News[] {
  const known = new Set(before?.instances.map(({ id }) => id));
  const added = (next?.instances ?? []).filter(({ id }) => !known.has(id));
  const placed = added.map(({ id, node, why }): News => ({
    type: "Normal",
    reason: "Placed",
    message: `${service}-${id} runs on ${node}: ${why}`,
  }));
  const failed = next?.failed;
  if (failed === undefined || failed.generation === before?.failed?.generation) return placed;
  const outcome = next?.target === failed.revision ? "the update stops" : "the update is rolled back";
  return [
    ...placed,
    { type: "Warning", reason: "UpdateFailed", message: `Generation ${failed.generation} failed, ${outcome}: ${failed.message}` },
  ];
}

/** Conditions that an instance did not have before. */
export function newsOfReport(instances: readonly ObservedInstance[], before: readonly ObservedInstance[]): readonly News[] {
  const had = (id: string, { reason }: Condition): boolean =>
    before.some((each) => each.id === id && each.conditions.some((old) => old.reason === reason));
  return instances.flatMap(({ id, conditions }) => {
    const fresh = conditions.filter((condition) => !had(id, condition));
    return fresh.map(({ reason, message }): News => ({ type: reason === "Waiting" ? "Normal" : "Warning", reason, message }));
  });
}
