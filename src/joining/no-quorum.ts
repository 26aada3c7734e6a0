// Why nothing can be written just now, and what a person can do about it. Pure.
import { quorumOf } from "./house-view.ts";
import type { NodeId } from "./messages.ts";

export interface QuorumView {
  readonly self: NodeId;
  /** It keeps a copy from which the house can be taken over. */
  readonly isStandby: boolean;
  /** As last known. */
  readonly voters: readonly { readonly nodeId: NodeId; readonly name: string; readonly answers: boolean }[];
}

export interface WhyNoQuorum {
  /** A clause without a full stop. */
  readonly reason: string;
  /** The next command to type, or what to do. */
  readonly next: string;
}

const words = ["none", "one", "two", "three", "four", "five"] as const;

export function whyNoQuorum({ self, isStandby, voters }: QuorumView): WhyNoQuorum {
  const others = voters.filter(({ nodeId }) => nodeId !== self);
  const away = others.filter(({ answers }) => !answers).map(({ name }) => name);
  const [only] = others;
  if (only === undefined) return { reason: "this computer's store does not answer", next: "journalctl -u fossora -n 50" };
  if (away.length === 0)
    return { reason: `the store of ${list(others.map(({ name }) => name))} does not answer`, next: `fossora status, on ${only.name}` };
  if (voters.length === 1) {
    const next = `start ${only.name}; if it is gone for good, ${isStandby ? "" : "type on the standby: "}fossora takeover`;
    return { reason: `${only.name} alone keeps the house's state, and does not answer`, next };
  }
  const missing = quorumOf(voters.length) - (voters.length - away.length);
  const reason = `${list(away)} ${away.length === 1 ? "does" : "do"} not answer, ${words[away.length] ?? away.length} of the ${words[voters.length] ?? voters.length} that vote`;
  // Enough are there: they cannot reach each other, or have only just found each other.
  if (missing <= 0) return { reason, next: "wait a moment, then: fossora status" };
  const start = missing === away.length ? list(away) : away.join(" or ");
  return { reason, next: `start ${start}${away.length === others.length ? ", or mend this computer's network" : ""}` };
}

function list(names: readonly string[]): string {
  return names.length < 2 ? names.join("") : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
}
