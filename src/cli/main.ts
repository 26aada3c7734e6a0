// The CLI from the first word to the exit code. Only the verb that was asked for is loaded, and everything a verb sees comes from here.
import { unixClient, type Client } from "./client.ts";
import { ApiFailure, EXIT, exitCodeOf, Failure } from "./failure.ts";
import { processHost, type Host } from "./host.ts";
import type { NodeCommands } from "./node-commands.ts";
import { findSocket } from "./socket.ts";
import { output, type Output } from "./terminal.ts";
import type { Invoke } from "./program.ts";
import type { CliPorts } from "./verb.ts";
import { VERBS } from "./verbs.ts";

export interface CliOptions {
  readonly node: () => Promise<NodeCommands>;
  readonly version: () => string;
  /** Absent: this process. */
  readonly host?: Host;
}

const HELP_WORDS: ReadonlySet<string> = new Set(["help", "--help", "-h"]);

/** Answers the exit code; nothing is thrown that a person can mend. */
export async function runCli(argv: readonly string[], options: CliOptions): Promise<number> {
  const host = options.host ?? processHost();
  const noColor = argv.includes("--no-color");
  const stdout = output(host.stdout, host.env, { noColor });
  const stderr = output(host.stderr, host.env, { noColor });
  if (argv.length === 0 || HELP_WORDS.has(argv.join(" "))) {
    const { overview } = await import("./overview.ts");
    stdout.write(overview(stdout));
    return EXIT.ok;
  }
  if (argv[0] === "--version" || argv[0] === "-V") {
    stdout.line(options.version());
    return EXIT.ok;
  }
  let exitCode: number = EXIT.ok;
  const invoke: Invoke = async (run, flags) => {
    const interrupt = new AbortController();
    const done = host.onInterrupt(() => interrupt.abort(new Failure(EXIT.interrupted, "Interrupted.", "")));
    try {
      exitCode = await run(portsOf(options, { host, stdout, stderr, quiet: flags.quiet ?? false, interrupted: interrupt.signal }));
    } finally {
      done();
    }
  };
  try {
    const { buildProgram } = await import("./program.ts");
    const asked = VERBS.find(({ name }) => name === argv[0]);
    const program = await buildProgram({ verbs: asked ? [asked] : VERBS, invoke, stdout, stderr });
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return report(error, stderr);
  }
}

function portsOf(
  options: CliOptions,
  given: Pick<CliPorts, "stdout" | "stderr" | "quiet" | "interrupted"> & { readonly host: Host },
): CliPorts {
  const { host, ...rest } = given;
  let client: Client | undefined;
  return {
    ...rest,
    // Looked for when it is used: half of the verbs need no node.
    get client(): Client {
      client ??= unixClient(findSocket(host.env), rest.interrupted);
      return client;
    },
    stdin: host.stdin,
    env: host.env,
    files: host.files,
    now: () => host.now(),
    sleep: (ms, signal) => host.sleep(ms, signal),
    every: (ms, run) => host.every(ms, run),
    version: options.version(),
    node: options.node,
  };
}

/** What went wrong, what to type next, and the exit code. */
async function report(error: unknown, stderr: Output): Promise<number> {
  if (error instanceof ApiFailure) {
    const { status } = error;
    if (status.details && status.details.causes.length > 0) {
      const { renderProblems } = await import("../api/problem.ts");
      stderr.line(renderProblems(status.details.causes));
    } else sayError(stderr, status.message, status.next);
    return exitCodeOf(status);
  }
  if (error instanceof Failure) {
    if (error.code !== EXIT.interrupted) sayError(stderr, error.message, error.next);
    return error.code;
  }
  if (isCommanderError(error)) return error.exitCode === 0 ? EXIT.ok : sayUsage(stderr, error.message);
  if (error instanceof Error && error.name === "UserError") {
    sayError(stderr, error.message, undefined);
    return EXIT.usage;
  }
  throw error;
}

function sayError(stderr: Output, message: string, next: string | undefined): void {
  stderr.line(`${stderr.colors.red("error:")} ${message}`);
  if (next) stderr.line(`${stderr.colors.dim("next:")}  ${next}`);
}

/** commander has printed the mistake already. */
function sayUsage(stderr: Output, message: string): number {
  const verb = VERBS.find(({ name }) => message.includes(`'${name}'`))?.name;
  stderr.line(`${stderr.colors.dim("next:")}  fossora ${verb ?? ""}${verb ? " " : ""}--help`);
  return EXIT.usage;
}

/** By its shape: the class is only loaded with commander. */
function isCommanderError(error: unknown): error is { readonly code: string; readonly exitCode: number; readonly message: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("commander.");
}
