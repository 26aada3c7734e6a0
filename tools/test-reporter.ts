// A reporter of node:test for tools/test-file.ts: one line of JSON for each test that ran, with its full name.
import type { EventData } from "node:test";
import type { TestEvent } from "node:test/reporters";
import { inspect } from "node:util";

export interface TestOutcome {
  readonly name: string;
  readonly outcome: "passed" | "failed" | "skipped";
  /** Why it failed or was skipped. */
  readonly reason?: string;
  readonly durationMs: number;
}

const reasonCharsMax = 4_000;

export default async function* report(events: AsyncIterable<TestEvent>): AsyncGenerator<string> {
  const names: string[] = [];
  for await (const { type, data } of events) {
    // Starts come in the order of definition: the names before a test's own are those that it stands in.
    if (type === "test:start") names.splice(data.nesting, names.length, data.name);
    if (type !== "test:pass" && type !== "test:fail") continue;
    const outcome = outcomeOf([...names.slice(0, data.nesting), data.name].join(" > "), data);
    if (outcome) yield `${JSON.stringify(outcome)}\n`;
  }
}

/** Undefined for what only holds other tests: these are told by themselves. */
function outcomeOf(name: string, { skip, todo, details }: EventData.TestPass | EventData.TestFail): TestOutcome | undefined {
  const durationMs = details.duration_ms;
  const leftOut = skip ?? todo;
  if (leftOut !== undefined && leftOut !== false)
    return { name, outcome: "skipped", reason: leftOut === true ? "no reason given" : leftOut, durationMs };
  const error = "error" in details ? details.error : undefined;
  if (!error) return details.type === "suite" ? undefined : { name, outcome: "passed", durationMs };
  if ("failureType" in error && error.failureType === "subtestsFailed") return undefined;
  return { name, outcome: "failed", reason: inspect(error.cause ?? error).slice(0, reasonCharsMax), durationMs };
}
