// `-o json`, where there is nothing else to choose.
import { Option, type Command } from "commander";

export interface OutputFlag {
  readonly output?: "json";
}

export function addOutput(command: Command): Command {
  return command.addOption(new Option("-o, --output <format>", "json").choices(["json"]));
}
