// A computer's way into a house, told step by step while somebody waits: by `join`, and by `up` where a house is looked for.
import type { JoiningPhase, JoiningReport } from "../api/computers.ts";
import type { Terminal } from "./node-commands.ts";

/** What was not said yet of a computer's way into a house. */
export class JoiningSteps {
  readonly #terminal: Pick<Terminal, "note" | "mark">;
  readonly #said = new Set<string>();
  #phase: JoiningPhase | undefined;

  constructor(terminal: Pick<Terminal, "note" | "mark">) {
    this.#terminal = terminal;
  }

  tell(report: JoiningReport): void {
    const terminal = this.#terminal;
    if (this.#phase === undefined) for (const text of report.said.slice(0, -1)) this.#said.add(text);
    for (const text of report.said.filter((each) => !this.#said.has(each))) {
      this.#said.add(text);
      terminal.note(terminal.mark("warn", text));
    }
    // Of a new computer without a wish nobody waits for another one.
    if (report.phase === this.#phase || (report.phase === "looking" && report.wish === undefined)) return;
    this.#phase = report.phase;
    const step = stepOf(report);
    if (step !== undefined) terminal.note(terminal.mark(report.phase === "waiting" ? "warn" : "ok", step));
  }
}

const STILL_ASKING: readonly JoiningPhase[] = ["looking", "asking", "queued", "waiting"];

/** Its agent runs, and it is for others to let it in: no log of its own says more. */
export function isStillAsking(report: JoiningReport | undefined): boolean {
  return report !== undefined && STILL_ASKING.includes(report.phase);
}

/** Of one that is no member yet when nobody waits for that any more. */
export function lateWords(report: JoiningReport | undefined): { readonly message: string; readonly next: string } {
  if (report?.phase === "waiting")
    return {
      message: "No person has let this computer in yet; it goes on asking.",
      next: "fossora node approve, on a computer of the house",
    };
  return { message: "This computer is no member yet; it goes on trying.", next: "fossora status" };
}

function stepOf({ phase, words }: JoiningReport): string | undefined {
  switch (phase) {
    case "looking":
      return "looking for the house";
    case "asking":
      return "found the house, asking to be let in";
    case "queued":
      return "in the queue";
    case "waiting":
      return `its six words, which must be the same there: ${words}`;
    case "starting":
      return "let in, the store starts";
    case "founding":
    case "refused":
    case "member":
    case "resting":
      return undefined;
  }
}
