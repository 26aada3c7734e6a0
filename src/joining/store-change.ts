// What a step of the queue writes in the store, as one transaction: if a compare fails, somebody else was quicker, and one looks again. Pure.
import { keys } from "../api/keys.ts";
import type { StewardStep } from "./admission.ts";
import type { Departure, HouseView, QueueEntry, Stored } from "./house-view.ts";
import type { NodeId } from "./messages.ts";
import type { TimingStep } from "./timing-plan.ts";
import { postponed, recruited, type QueueChange } from "./queue.ts";

/** As the store's `commit` takes it. */
export interface StoreChange {
  readonly compare: readonly { readonly key: string; readonly modRevision: number }[];
  readonly writes: readonly ({ readonly put: string; readonly value: string } | { readonly delete: string })[];
}

export type MemberStep = Extract<StewardStep, { kind: "add-learner" | "promote" | "remove" | "update" | "move-leader" }>;
export type WritingStep = Exclude<StewardStep, MemberStep>;

/** Changes of etcd's members are calls of their own; everything else is a transaction. */
export function isMemberStep(step: StewardStep): step is MemberStep {
  return ["add-learner", "promote", "remove", "update", "move-leader"].includes(step.kind);
}

export function storeChange(step: WritingStep, view: Pick<HouseView, "roster" | "entries">): StoreChange | undefined {
  switch (step.kind) {
    case "activate":
      return { compare: [{ key: keys.admission, modRevision: 0 }], writes: [put(keys.admission, step.active)] };
    case "advance":
      return { compare: [{ key: keys.admission, modRevision: step.modRevision }], writes: [put(keys.admission, step.active)] };
    case "finish": {
      const { nodeId, name } = step.node;
      // It may have waited for a person before somebody else vouched for it.
      const gone = [keys.admission, keys.queued(nodeId), keys.waiting(nodeId)];
      return {
        compare: [{ key: keys.admission, modRevision: step.modRevision }],
        writes: [
          ...gone.map((key) => ({ delete: key })),
          put(keys.houseNode(nodeId), step.node),
          ...(step.replaces === undefined || step.replaces === nodeId
            ? []
            : departed(step.replaces, { name, removed: step.strikesOff === true })),
        ],
      };
    }
    case "give-up": {
      const { entry } = step;
      return {
        compare: [{ key: keys.admission, modRevision: step.modRevision }, ...(entry === undefined ? [] : [compareWith(entry)])],
        writes: [
          { delete: keys.admission },
          ...(entry === undefined ? [] : [putEntry(postponed(entry, { order: step.order, missed: true }))]),
        ],
      };
    }
    case "postpone":
      return { compare: [compareWith(step.entry)], writes: [putEntry(postponed(step.entry, step))] };
    case "drop":
      return { compare: [compareWith(step.entry)], writes: [{ delete: keys.queued(step.entry.value.nodeId) }] };
    case "recruit": {
      const node = view.roster.get(step.nodeId);
      return node && { compare: [{ key: keys.queued(node.nodeId), modRevision: 0 }], writes: [putEntry(recruited(node, view.entries))] };
    }
  }
}

/** Out of the roster and the queue, and written down until the rest of it is seen to. */
export function departed(nodeId: NodeId, going: Departure): StoreChange["writes"] {
  return [{ delete: keys.houseNode(nodeId) }, { delete: keys.queued(nodeId) }, put(keys.leaving(nodeId), going)];
}

/** Of how patient the members shall be. */
export function timingChange({ timing, modRevision }: Extract<TimingStep, { kind: "set-timing" }>): StoreChange {
  return { compare: [{ key: keys.timing, modRevision }], writes: [put(keys.timing, timing)] };
}

/** Of a request to join. */
export function queueChange({ entry, modRevision, removes }: Extract<QueueChange, { kind: "put" }>): StoreChange {
  return {
    compare: [{ key: keys.queued(entry.nodeId), modRevision }, ...removes.map(compareWith)],
    writes: [...removes.map(({ value }) => ({ delete: keys.queued(value.nodeId) })), putEntry(entry)],
  };
}

function compareWith({ value, modRevision }: Stored<QueueEntry>): StoreChange["compare"][number] {
  return { key: keys.queued(value.nodeId), modRevision };
}

function putEntry(entry: QueueEntry): StoreChange["writes"][number] {
  return put(keys.queued(entry.nodeId), entry);
}

function put(key: string, value: object): StoreChange["writes"][number] {
  return { put: key, value: JSON.stringify(value) };
}
