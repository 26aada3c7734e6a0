// Option values that several verbs read: durations and whole numbers, refused where commander reads them.
import { InvalidArgumentError, Option, type Command } from "commander";
import { DURATION_MAX_MS, parseDuration } from "../api/durations.ts";

/** The value is in milliseconds. */
export function addDuration(command: Command, flags: string, description: string, byDefault?: string): Command {
  const option = new Option(flags, description).argParser(duration);
  if (byDefault !== undefined) option.default(duration(byDefault), byDefault);
  return command.addOption(option);
}

function duration(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError("It should look like 30s, 5m or 1h30m.");
  if (ms > DURATION_MAX_MS) throw new InvalidArgumentError("It should be 24d or less.");
  return ms;
}

export function wholeNumber(text: string): number {
  const number = Number(text);
  if (!Number.isSafeInteger(number) || number < 0) throw new InvalidArgumentError("It should be a whole number of 0 or more.");
  return number;
}

/** For options that may be given several times. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}
