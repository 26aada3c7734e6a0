// What a run may leave out: a machine that lacks something passes all the same, except where it was said what it may lack.
import type { TestOutcome } from "./test-reporter.ts";

/** A pattern for the names of the tests that may be skipped. Unset: any of them. */
export const SKIPS = "FOSSORA_TEST_SKIPS";

/** As it counts: a test that was skipped without leave has failed. */
export function judged(outcome: TestOutcome, skips: string | undefined): TestOutcome {
  if (outcome.outcome !== "skipped" || skips === undefined || new RegExp(skips).test(outcome.name)) return outcome;
  return {
    ...outcome,
    outcome: "failed",
    reason: `It was skipped, which $${SKIPS} does not allow: ${outcome.reason ?? "no reason given"}`,
  };
}
