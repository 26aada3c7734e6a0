// The CLI from the first word to the exit code. Only the verb that was asked for is loaded, and everything a verb sees comes from here.
import type { Problem } from "../api/problem.ts";
import { kindByWord } from "../api/kinds.ts";
import type { ErrorStatus } from "../api/wire.ts";
import type { DnsProbe } from "../ports.ts";
import { span } from "./age.ts";
import { unixClient, type Client, type RequestTimer } from "./client.ts";
import { ApiFailure, EXIT, exitCodeOf, Failure } from "./failure.ts";
import { processHost, type Host } from "./host.ts";
import type { NodeCommands } from "./node-commands.ts";
import { findSocket } from "./socket.ts";
import { output, type Output } from "./terminal.ts";
import type { GlobalFlags, Invoke } from "./program.ts";
import type { CliPorts } from "./verb.ts";
import { VERBS } from "./verbs.ts";

export interface CliOptions {
  readonly node: () => Promise<NodeCommands>;
  readonly dns: () => Promise<DnsProbe>;
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
    stdout.write(overview(stdout, argv.length > 0));
    return EXIT.ok;
  }
  if (argv[0] === "--version" || argv[0] === "-V") {
    stdout.line(options.version());
    return EXIT.ok;
  }
  const asked = VERBS.find(({ name }) => name === argv[0]);
  let exitCode: number = EXIT.ok;
  const invoke: Invoke = async (run, flags) => {
    const interrupt = new AbortController();
    const done = host.onInterrupt(() => interrupt.abort(new Failure(EXIT.interrupted, "Interrupted.", "")));
    try {
      exitCode = await run(portsOf(options, { host, stdout, stderr, flags, interrupted: interrupt.signal }));
    } finally {
      done();
    }
  };
  try {
    const { buildProgram } = await import("./program.ts");
    const program = await buildProgram({ verbs: asked ? [asked] : VERBS, invoke, stdout, stderr });
    await program.parseAsync([...argv], { from: "user" });
    return exitCode;
  } catch (error) {
    return report(error, stderr, asked?.name);
  }
}

function portsOf(
  options: CliOptions,
  given: Pick<CliPorts, "stdout" | "stderr" | "interrupted"> & { readonly host: Host; readonly flags: GlobalFlags },
): CliPorts {
  const { host, flags, ...rest } = given;
  let client: Client | undefined;
  return {
    ...rest,
    quiet: flags.quiet,
    verbose: flags.verbose,
    // Asked when it matters: to open standard input costs every start.
    get mayAsk(): boolean {
      return flags.input && host.stdin.isTty;
    },
    // Looked for when it is used: half of the verbs need no node.
    get client(): Client {
      const timer = flags.verbose ? requestTimer(host, rest.stderr) : undefined;
      client ??= unixClient(findSocket(host.env), rest.interrupted, { timer, onOld: once((ageMs) => sayAge(ageMs, rest.stderr)) });
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
    dns: options.dns,
  };
}

/** A command that asks several things says it of the first. */
function once(run: (ageMs: number) => void): (ageMs: number) => void {
  let done = false;
  return (ageMs) => {
    if (!done) run(ageMs);
    done = true;
  };
}

function sayAge(ageMs: number, stderr: Output): void {
  stderr.line(`${stderr.marks.warn} as of ${span(ageMs)} ago: no quorum`);
}

/** With -v: a line for each request once it is answered, or broke. */
function requestTimer(host: Host, stderr: Output): RequestTimer {
  return (request) => {
    const startMs = host.now();
    return (outcome) => stderr.line(stderr.colors.dim(`${request}  ${outcome}  ${host.now() - startMs} ms`));
  };
}

/** What went wrong, what to type next, and the exit code. */
async function report(error: unknown, stderr: Output, verb: string | undefined): Promise<number> {
  const help = verb === undefined ? "fossora --help" : `fossora ${verb} --help`;
  if (error instanceof ApiFailure) {
    await sayStatus(stderr, error.status, help);
    return exitCodeOf(error.status);
  }
  if (error instanceof Failure) {
    if (error.code !== EXIT.interrupted) sayError(stderr, error.message, error.next);
    return error.code;
  }
  if (isCommanderError(error)) {
    if (error.exitCode === 0) return EXIT.ok;
    sayNext(stderr, help); // commander has printed the mistake already
    return EXIT.usage;
  }
  if (error instanceof Error && error.name === "UserError") {
    sayError(stderr, error.message, help);
    return EXIT.usage;
  }
  throw error;
}

async function sayStatus(stderr: Output, { message, next, details }: ErrorStatus, help: string): Promise<void> {
  const [first] = details?.causes ?? [];
  if (!details || !first) return sayError(stderr, message, next ?? help);
  const { renderProblems } = await import("../api/problem.ts");
  stderr.line(renderProblems(details.causes));
  sayNext(stderr, next ?? explainCommand(first));
}

/** About what surrounds the field: the field itself may be unknown. */
function explainCommand({ kind, field }: Pick<Problem, "kind" | "field">): string {
  const names = kind === undefined ? undefined : kindByWord(kind);
  if (!names) return "fossora api-resources";
  const path = field
    .replace(/\[\d+\]/g, "")
    .split(".")
    .slice(0, -1);
  return `fossora explain ${[names.singular, ...path].join(".")}`;
}

function sayError(stderr: Output, message: string, next: string): void {
  stderr.line(`${stderr.colors.red("error:")} ${message}`);
  sayNext(stderr, next);
}

function sayNext(stderr: Output, next: string): void {
  stderr.line(`${stderr.colors.dim("next:")}  ${next}`);
}

/** By its shape: the class is only loaded with commander. */
function isCommanderError(error: unknown): error is { readonly code: string; readonly exitCode: number; readonly message: string } {
  return error instanceof Error && "code" in error && typeof error.code === "string" && error.code.startsWith("commander.");
}
