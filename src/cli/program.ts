// The commander program: of one verb where one was asked for, of all where words must be compared or completed.
import { Command } from "commander";
import type { Output } from "./terminal.ts";
import type { Run } from "./verb.ts";
import type { VerbEntry } from "./verbs.ts";

/** Flags that every verb takes; colours are decided before. */
export interface GlobalFlags {
  readonly quiet: boolean;
  readonly verbose: boolean;
  /** False: nobody is asked anything, terminal or not. */
  readonly input: boolean;
}

export type Invoke = (run: Run, flags: GlobalFlags) => Promise<void>;

export interface ProgramOptions {
  readonly verbs: readonly VerbEntry[];
  readonly invoke: Invoke;
  readonly stdout: Output;
  readonly stderr: Output;
}

export async function buildProgram({ verbs, invoke, stdout, stderr }: ProgramOptions): Promise<Command> {
  const program = new Command("fossora")
    .description("Turns home computers with Docker into one house.")
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
      getOutHasColors: () => false,
      getErrHasColors: () => false,
    })
    .enablePositionalOptions();
  addGlobalFlags(program);
  for (const { name, summary, hidden, load } of verbs) {
    const verb = await load();
    const command = program
      .command(name, { hidden: hidden ?? false })
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`);
    addGlobalFlags(command);
    verb.define(command, (run) => invoke(run, globalFlags([program, command, ...command.commands])));
  }
  return program;
}

export function addGlobalFlags(command: Command): void {
  command
    .option("--no-color", "no colours, as with NO_COLOR=1")
    .option("--no-input", "ask nothing: fail, and name the flag that answers")
    .option("-q, --quiet", "only what was asked for")
    .option("-v, --verbose", "show each request to the node, and how long it took");
}

/** They may stand before the verb, behind it, and behind a word of its own such as `dns check`. */
function globalFlags(commands: readonly Command[]): GlobalFlags {
  const all = commands.map((command) => command.opts<Partial<GlobalFlags>>());
  return {
    quiet: all.some(({ quiet }) => quiet === true),
    verbose: all.some(({ verbose }) => verbose === true),
    input: all.every(({ input }) => input !== false),
  };
}
