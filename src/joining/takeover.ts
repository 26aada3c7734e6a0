// Whether this computer may go on with the house alone, from its own copy, when those that vote are gone; and what a person must know before
// it does. Pure.
import type { NodeId } from "./messages.ts";

/** A voter but this node, as it was found just now. */
export interface OtherVoter {
  readonly nodeId: NodeId;
  readonly name: string;
  /** Its port 733. */
  readonly agentAnswers: boolean;
  readonly storeAnswers: boolean;
  /** Where something is on, whatever it is; absent: nothing answers at any of its addresses. */
  readonly answersAt?: string;
}

export interface TakeoverView {
  /** It has a store of its own that belongs to the house. */
  readonly hasStore: boolean;
  readonly hasQuorum: boolean;
  readonly others: readonly OtherVoter[];
  /** A person says that another computer has the address now. */
  readonly ignoresAddress: boolean;
}

export type TakeoverVerdict =
  | { readonly kind: "may"; readonly warnings: readonly string[] }
  | { readonly kind: "refused"; readonly reason: string; readonly next: string };

export function judgeTakeover({ hasStore, hasQuorum, others, ignoresAddress }: TakeoverView): TakeoverVerdict {
  if (hasQuorum) return refused("the house's store answers, and there is nothing to take over", "fossora status");
  if (!hasStore) return refused("this computer keeps no store of its own to go on from", "type fossora takeover on the standby");
  if (others.length === 0) return refused("no other computer keeps the house's state", "journalctl -u fossora -n 50");
  const serving = others.find(({ storeAnswers }) => storeAnswers);
  if (serving !== undefined) return refused(`the store of ${serving.name} answers`, `fossora status, on ${serving.name}`);
  const awake = others.find(({ agentAnswers }) => agentAnswers);
  if (awake !== undefined) return refused(`Fossora on ${awake.name} answers`, `fossora status, on ${awake.name}`);
  const on = others.find(({ answersAt }) => answersAt !== undefined);
  if (on !== undefined && !ignoresAddress)
    return refused(
      `${on.name} seems to be on: something answers at ${on.answersAt}`,
      `sudo fossora up, on ${on.name}; if another computer has that address now: fossora takeover --ignore-address`,
    );
  return { kind: "may", warnings: warningsOf(others.map(({ name }) => name)) };
}

function warningsOf(names: readonly string[]): readonly string[] {
  const them = names.join(" and ");
  const isOne = names.length === 1;
  return [
    `If ${them} only cannot be reached, both run on apart from each other until they meet; then what was written ${isOne ? "there" : "on them"} meanwhile is set aside.`,
    `When ${isOne ? "it comes" : "they come"} back, ${isOne ? "it sets its" : "they set their"} data aside and ${isOne ? "joins" : "join"} again.`,
  ];
}

function refused(reason: string, next: string): TakeoverVerdict {
  return { kind: "refused", reason, next };
}
