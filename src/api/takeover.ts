// What the agent says of a take-over, before and after: types only.
import type { NodeName } from "./resource.ts";

/** A voter that is thought to be gone, as it was found just now. */
export interface MissingVoter {
  readonly name: string;
  readonly agentAnswers: boolean;
  readonly storeAnswers: boolean;
  /** Where something answers, whatever it is. */
  readonly answersAt?: string;
}

export interface TakeoverReport {
  readonly kind: "TakeoverReport";
  readonly node: NodeName;
  readonly voters: readonly MissingVoter[];
  /** Why it cannot be, and what to do; absent: it may be done. */
  readonly refused?: { readonly reason: string; readonly next: string };
  /** Since this computer last heard from the store, in milliseconds; absent: it never has. */
  readonly lastHeardMs?: number;
  /** Sentences that a person reads before it is done. */
  readonly warnings: readonly string[];
}

export interface TakeoverAnswer {
  readonly kind: "TakenOver";
  readonly node: NodeName;
  /** Whoever comes back with a lower one joins anew. */
  readonly epoch: number;
}
