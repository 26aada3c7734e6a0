// An update of a Service in the words of the plan's tests: from `one` to `two`, on its way or stopped.
import { decide } from "../../controllers/service/decide.ts";
import type { HouseFacts } from "../../controllers/service/facts.ts";
import { revisionHash } from "../../controllers/service/spec-hash.ts";
import type { DecidedService } from "../../src/api/state.ts";
import type { ServiceSpec, Update } from "../../src/api/types.ts";
import { decided, houseFacts, instance, nodeFacts, observed, observedInstance, seen, service } from "./facts.ts";
import { serviceSpec } from "./objects.ts";

export const one = serviceSpec("app", "app:1"); // one replica, monitor 5s, rollback
export const two = serviceSpec("app", "app:2");
export const LONG = 60_000;
export const failing = { ready: false, conditions: [{ type: "Ready", status: "False" as const, reason: "CrashLoop", message: "it ends" }] };

export function next(
  spec: ServiceSpec | undefined,
  before: DecidedService | undefined,
  over: Partial<HouseFacts> = {},
  generation = 1,
): DecidedService | undefined {
  const house = houseFacts({ decided: before && seen(before), ...over });
  return decide("app", spec && service("app", spec, generation), house, LONG).next;
}

export const places = (value: DecidedService | undefined) =>
  value?.instances.map(({ node, revision }) => `${node} ${revision === revisionHash(two) ? "two" : "one"}`);
export const running = decided("app", one, [instance("aaaa", "nas", one)]);
/** The update to `two` is under way: its instance is bbbb. */
export const updating = (update: Partial<Update> = {}): DecidedService => {
  const target = { ...two, update: { ...two.update, ...update } };
  const revisions = { ...running.revisions, [revisionHash(two)]: { generation: 2, spec: target } };
  return { ...running, target: revisionHash(two), revisions, instances: [...running.instances, instance("bbbb", "nas", two, 2)] };
};
export const both = (b: Parameters<typeof observedInstance>[1]) => ({
  observed: new Map([observed("nas", [observedInstance("aaaa"), observedInstance("bbbb", b)])]),
});

export const serves = { observed: new Map([observed("nas", [observedInstance("aaaa")])]) };
export const away = nodeFacts("nas", { record: undefined, downSinceMs: 0 });

/** The update to `two` failed, its instance is bbbb, and a person is to look at it. */
export const halted = (update: Partial<Update> = {}, placed = updating({ onFailure: "pause", ...update }).instances): DecidedService => ({
  ...updating({ onFailure: "pause", ...update }),
  instances: placed,
  failed: { generation: 2, revision: revisionHash(two), reason: "CrashLoop", message: "it ends" },
});
