// What `up` and `join` say of a node that was started and is not ready.
import { isStillAsking, lateWords } from "../cli/joining-steps.ts";
import type { Terminal } from "../cli/node-commands.ts";
import { commandName } from "./installed-program.ts";
import type { ReadyOutcome } from "./until-ready.ts";

const exit = { failed: 1, timedOut: 6 } as const;

export interface Started {
  readonly timeoutMs: number;
  /** What shows its log. */
  readonly log: string;
}

/** Answers the exit code. Throws the reason of `interrupted`. */
export function sayNotReady(
  outcome: Exclude<ReadyOutcome, { readonly kind: "ready" }>,
  { timeoutMs, log }: Started,
  { note, mark, interrupted }: Omit<Terminal, "out">,
): number {
  if (outcome.kind === "failed") {
    note(mark("error", outcome.why));
    note(`See      ${log}`);
    return exit.failed;
  }
  if (interrupted.aborted) {
    note(`The node was started and goes on by itself: ${commandName()} status; to stop it: ${commandName()} down`);
    interrupted.throwIfAborted();
  }
  if (isStillAsking(outcome.report)) {
    const { message, next } = lateWords(outcome.report);
    note(mark("error", message));
    note(`Next     ${next}`);
  } else {
    note(mark("error", `the node was not ready within ${timeoutMs / 1000} s`));
    note(`See      ${log}`);
  }
  return exit.timedOut;
}
