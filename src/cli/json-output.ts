// `-o json`, where there is nothing else to choose.
import { Option, type Command } from "commander";
import type { CliPorts } from "./verb.ts";

export interface OutputFlag {
  readonly output?: "json";
}

export function addOutput(command: Command): Command {
  return command.addOption(new Option("-o, --output <format>", "json").choices(["json"]));
}

/** What became of it, in words; `isRead`: by a program, which is told by something else on stdout. */
export function sayOutcome(line: string, isRead: boolean, { stdout, stderr, quiet }: CliPorts): void {
  if (!isRead) stdout.line(line);
  else if (!quiet) stderr.line(line);
}
