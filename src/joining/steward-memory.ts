// What the agent beside the etcd leader heard and must not forget between two looks. It may be lost at any moment: then it is heard anew. Pure.
import { allVotersAlive, type HouseView, type Ms } from "./house-view.ts";
import type { JoinRequest, NodeId, Present, Started } from "./messages.ts";
import { headOf } from "./queue.ts";

export interface StewardMemory {
  readonly head?: { readonly nodeId: NodeId; readonly sinceMs: Ms };
  readonly present: ReadonlyMap<NodeId, { readonly atMs: Ms; readonly dataDirEmpty: boolean; readonly request: JoinRequest }>;
  readonly started: ReadonlyMap<NodeId, { readonly atMs: Ms; readonly memberId?: string; readonly clusterId: string }>;
  /** Since when etcd has called the cluster unhealthy at every try. */
  readonly unhealthySinceMs?: Ms;
  readonly addAgainAtMs?: Ms;
  /** Wall time 30 s from now, for people. */
  readonly until: string;
}

/** What etcd said to a change of its members. */
export type MemberAnswer = "done" | "unhealthy" | "too many learners" | "peer url exists" | "unknown";

/** After a refusal that will pass by itself. */
const ADD_AGAIN_MS = 1_000;
const HEARD_MAX = 256;

export const noMemory: StewardMemory = { present: new Map(), started: new Map(), until: "" };

/** At each look: who is at the head, and since when. */
export function look(memory: StewardMemory, view: HouseView, until: string): StewardMemory {
  const { entries, nowMs } = view;
  const nodeId = headOf(entries)?.value.nodeId;
  const { head, unhealthySinceMs, ...known } = memory;
  // The next voter that is away is another story.
  const rest = { ...known, ...(unhealthySinceMs !== undefined && !allVotersAlive(view) && { unhealthySinceMs }) };
  if (nodeId === undefined) return { ...rest, until };
  return { ...rest, until, head: head?.nodeId === nodeId ? head : { nodeId, sinceMs: nowMs } };
}

export function hear(memory: StewardMemory, message: Present | Started, nowMs: Ms): StewardMemory {
  const { nodeId } = message.from;
  if (message.kind === "present")
    return {
      ...memory,
      present: remember(memory.present, nodeId, { atMs: nowMs, dataDirEmpty: message.dataDirEmpty, request: message.request }),
    };
  const { memberId, clusterId } = message;
  return { ...memory, started: remember(memory.started, nodeId, { atMs: nowMs, clusterId, ...(memberId !== undefined && { memberId }) }) };
}

/** "unhealthy cluster", "too many learners", "peer URL exists" are answers to wait for or adopt, never failures. */
export function answered(memory: StewardMemory, answer: MemberAnswer, nowMs: Ms): StewardMemory {
  const { unhealthySinceMs, addAgainAtMs: _, ...rest } = memory;
  if (answer === "done") return rest;
  if (answer !== "unhealthy")
    return { ...rest, addAgainAtMs: nowMs + ADD_AGAIN_MS, ...(unhealthySinceMs !== undefined && { unhealthySinceMs }) };
  return { ...rest, addAgainAtMs: nowMs + ADD_AGAIN_MS, unhealthySinceMs: unhealthySinceMs ?? nowMs };
}

/** The oldest are forgotten first. */
function remember<T>(map: ReadonlyMap<NodeId, T>, nodeId: NodeId, value: T): ReadonlyMap<NodeId, T> {
  const next = new Map(map);
  next.delete(nodeId);
  next.set(nodeId, value);
  for (const oldest of next.keys()) {
    if (next.size <= HEARD_MAX) break;
    next.delete(oldest);
  }
  return next;
}
