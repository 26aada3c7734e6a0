import assert from "node:assert/strict";
import { test } from "node:test";
import type { JoiningPhase, JoiningReport } from "../api/computers.ts";
import { sayNotReady } from "./not-ready.ts";

const report = (phase: JoiningPhase): JoiningReport => ({
  kind: "Joining",
  node: "nuc",
  phase,
  forMs: 0,
  words: "",
  said: [],
  problems: [],
});

function told(outcome: Parameters<typeof sayNotReady>[0], interrupted = new AbortController().signal): readonly (string | number)[] {
  const lines: string[] = [];
  const terminal = { note: (line: string) => void lines.push(line), mark: (_: string, text: string) => text, interrupted };
  try {
    return [sayNotReady(outcome, { timeoutMs: 300_000, log: "journalctl -u fossora" }, terminal), ...lines];
  } catch (error) {
    return [String(error), ...lines];
  }
}

test("whoever waits for others to let this computer in is told whom to ask, and not to read a log", () => {
  assert.deepEqual(told({ kind: "late", report: report("waiting") }), [
    6,
    "No person has let this computer in yet; it goes on asking.",
    "Next     fossora node approve, on a computer of the house",
  ]);
  for (const phase of ["looking", "asking", "queued"] as const)
    assert.deepEqual(told({ kind: "late", report: report(phase) }), [
      6,
      "This computer is no member yet; it goes on trying.",
      "Next     fossora status",
    ]);
});

test("what a node says of itself alone is in its log", () => {
  const late = [6, "the node was not ready within 300 s", "See      journalctl -u fossora"];
  assert.deepEqual(told({ kind: "late" }), late);
  assert.deepEqual(told({ kind: "late", report: report("starting") }), late);
  assert.deepEqual(told({ kind: "failed", why: "no room" }), [1, "no room", "See      journalctl -u fossora"]);
});

test("Ctrl-C ends the waiting, and says that the node goes on", () => {
  const [error, line] = told({ kind: "late", report: report("waiting") }, AbortSignal.abort(new Error("Interrupted")));
  assert.equal(error, "Error: Interrupted");
  assert.match(String(line), /^The node was started and goes on by itself: /);
});
