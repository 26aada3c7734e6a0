// What a step of the queue is to people: one sentence about one computer, for `events` and `get nodes -w`. Pure.
import type { StewardStep } from "./admission.ts";
import { nodeOfMember, type HouseView } from "./house-view.ts";

export interface StepNews {
  /** Of the node. */
  readonly name: string;
  readonly type: "Normal" | "Warning";
  readonly reason: string;
  readonly message: string;
}

/** Undefined: nobody waits to hear of it. */
export function stepNews(step: StewardStep, view: Pick<HouseView, "members" | "roster" | "active" | "entries">): StepNews | undefined {
  switch (step.kind) {
    case "activate": {
      const { name, role } = step.active;
      return { name, type: "Normal", reason: "Admitted", message: `is being let in as ${role === "worker" ? "a worker" : "a standby"}` };
    }
    case "advance":
      return step.active.step === "added"
        ? { name: step.active.name, type: "Normal", reason: "Starting", message: "was let in, and starts" }
        : undefined;
    case "finish":
      return { name: step.node.name, type: "Normal", reason: "Joined", message: "belongs to the house" };
    case "promote":
      return ofMember(view, step.memberId, { type: "Normal", reason: "Promoted", message: `votes from now on: ${step.why}` });
    case "remove":
      return ofMember(view, step.memberId, {
        type: "Normal",
        reason: "Withdrawn",
        message: `keeps no copy of the store any more: ${step.why}`,
      });
    case "give-up": {
      const { name, nodeId } = view.active?.value ?? {};
      if (name === undefined || nodeId === undefined) return undefined;
      return notJoined(name, step.entry === undefined ? `${step.why}${forGood(nodeId)}` : step.why);
    }
    case "drop": {
      const { name, nodeId } = step.entry.value;
      return notJoined(name, `${step.why}${forGood(nodeId)}`);
    }
    case "add-learner":
    case "postpone":
    case "recruit":
    case "update":
    case "move-leader":
      return undefined;
  }
}

function notJoined(name: string, why: string): StepNews {
  return { name, type: "Warning", reason: "NotJoined", message: `did not come in: ${why}` };
}

/** It may have been given certificates, and is in no list by which it could be removed. */
function forGood(nodeId: string): string {
  return `. If it never shall: fossora node remove ${nodeId}`;
}

function ofMember(
  { members, roster }: Pick<HouseView, "members" | "roster">,
  memberId: string,
  news: Omit<StepNews, "name">,
): StepNews | undefined {
  const member = members.find(({ id }) => id === memberId);
  const node = member && roster.get(nodeOfMember(member) ?? "");
  return node && { name: node.name, ...news };
}
