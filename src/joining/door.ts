// What a node of the house, leader or not, does for one who asks to join or whose address has changed: an answer, and a change of the store. Pure.
import type { HouseNode, QueueEntry, Stored } from "./house-view.ts";
import {
  PROTOCOL,
  type Address,
  type Join,
  type JoinAnswer,
  type JoinTrust,
  type Joining,
  type Moved,
  type NodeId,
  type Sender,
  type Trust,
} from "./messages.ts";
import { enqueue, type QueueChange } from "./queue.ts";

/** What this node has just read in the store. */
export interface DoorView {
  readonly self: Sender;
  readonly entries: readonly Stored<QueueEntry>[];
  readonly roster: ReadonlyMap<NodeId, HouseNode>;
  readonly joining: Joining;
  readonly clusterVersion: string;
  readonly members: readonly Address[];
  /** Whose place a person has said that the asker takes. */
  readonly replaces?: NodeId;
}

export interface Opened {
  /** Committed first; when it is not, or the store does not answer, the asker is told to try another. */
  readonly change?: Extract<QueueChange, { kind: "put" }>;
  readonly answer: JoinAnswer;
}

export function openDoor(view: DoorView, join: Join, trust: JoinTrust): Opened {
  const { entries, joining, clusterVersion, roster, replaces } = view;
  const known = roster.has(join.from.nodeId);
  const change = enqueue({ join, trust, entries, joining, clusterVersion, known, ...(replaces !== undefined && { replaces }) });
  switch (change.kind) {
    case "refuse":
      return { answer: answerOf(view, "refused", change.reason) };
    case "wait":
      return { answer: answerOf(view, "waits for approval", "a person has to approve it") };
    case "keep":
      return { answer: answerOf(view, "queued", "") };
    case "put":
      return { change, answer: answerOf(view, "queued", "") };
  }
}

/** No quorum, or another was quicker: it may be asked again, best of another member. */
export function tryAnother(view: Pick<DoorView, "self" | "members">): JoinAnswer {
  return answerOf(view, "try another", "the store does not answer here");
}

/** A node of the house has another address, or is there to vote alone from now on, or no more: the new roster entry, or undefined when there is nothing to write. */
export function movedNode(roster: ReadonlyMap<NodeId, HouseNode>, { from, peerUrl, witness }: Moved, trust: Trust): HouseNode | undefined {
  const node = roster.get(from.nodeId);
  if (node === undefined || trust !== "trusted") return undefined;
  const { witness: was, ...fit } = node.request.fitness;
  const fitness = { ...fit, ...((witness ?? was) === true && { witness: true }) };
  const next: HouseNode = { ...node, addresses: from.addresses, versions: from.versions, request: { ...node.request, peerUrl, fitness } };
  return JSON.stringify(next) === JSON.stringify(node) ? undefined : next;
}

function answerOf({ self, members }: Pick<DoorView, "self" | "members">, verdict: JoinAnswer["verdict"], reason: string): JoinAnswer {
  return { protocol: PROTOCOL, kind: "join-answer", from: self, verdict, reason, members };
}
