// Why the agent cannot start, for whoever waits for it: it is somebody else's child and its log may be the journal.
import { rmSync } from "node:fs";
import path from "node:path";
import { readIfThere, writeWhole } from "./files.ts";

export function keepProblem(runDir: string, message: string): void {
  writeWhole(fileIn(runDir), message);
}

export function readProblem(runDir: string): string | undefined {
  return readIfThere(fileIn(runDir));
}

export function forgetProblem(runDir: string): void {
  rmSync(fileIn(runDir), { force: true });
}

function fileIn(runDir: string): string {
  return path.join(runDir, "agent.problem");
}
