// What the nodes say of a decided instance, in the words that an update needs.
import { durationMs } from "../../src/api/durations.ts";
import { failsUpdate } from "../../src/api/lasting.ts";
import type { Condition, NodeName } from "../../src/api/resource.ts";
import type { DecidedInstance, ObservedInstance, ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { Seen } from "../../src/engine/contract.ts";
import { isLastWord } from "./last-word.ts";

export type Verdict =
  /** Ready, but not yet for `monitor`. */
  | { readonly kind: "ready"; readonly settledInMs: number }
  | { readonly kind: "settled" }
  /** It will not become ready by waiting. */
  | { readonly kind: "failing"; readonly condition: Condition }
  | { readonly kind: "waiting" }
  /** Its node has not told of it, or not since its last boot, or is not told by its engine: it may be starting, and it may serve. */
  | { readonly kind: "unknown" };

export type Observations = ReadonlyMap<NodeName, Seen<ObservedService>>;

export function observedInstance(instance: DecidedInstance, observed: Observations): ObservedInstance | undefined {
  return observed.get(instance.node)?.value.instances.find(({ id }) => id === instance.id);
}

export function verdict(instance: DecidedInstance, spec: ServiceSpec, observed: Observations, now: number): Verdict {
  const found = observedInstance(instance, observed);
  const seen = observed.get(instance.node);
  if (found === undefined || seen === undefined) return { kind: "unknown" };
  // What may have changed since takes nobody's place, and is not taken away as if it did not serve.
  if (isLastWord(found)) return { kind: found.ready ? "unknown" : "waiting" };
  if (found.ready) {
    const settledInMs = durationMs(spec.update.monitor) - (now - seen.seenAtMs);
    return settledInMs > 0 ? { kind: "ready", settledInMs } : { kind: "settled" };
  }
  const condition = found.conditions.find(({ reason }) => failsUpdate(reason));
  return condition ? { kind: "failing", condition } : { kind: "waiting" };
}
