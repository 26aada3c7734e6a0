// Runs the CLI as a person would, in this process, and keeps what each stream got: on a terminal or not.
import assert from "node:assert/strict";
import { PassThrough } from "node:stream";
import { runCli } from "../../src/cli/main.ts";
import type { Host } from "../../src/cli/host.ts";
import { fetchText, sleep } from "../../src/cli/host.ts";
import { utf8 } from "../../src/cli/utf8.ts";
import type { DnsProbe } from "../../src/ports.ts";
import type { NodeCommands } from "../../src/cli/node-commands.ts";

export interface RunOptions {
  readonly socket: string;
  readonly tty?: boolean;
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  /** A path that this user may not look at. */
  readonly forbidden?: string;
  readonly stdin?: string | Uint8Array;
  /** Since NOW_MS; absent: time stands still, so that transcripts are always the same. */
  readonly elapsedMs?: () => number;
  readonly node?: Partial<NodeCommands>;
  readonly dns?: DnsProbe;
  readonly columns?: number;
  /** Of the program; the house's is 0.1.0. */
  readonly version?: string;
}

/** A command that runs: what it printed so far, and its end. */
export interface Running {
  readonly done: Promise<Outcome>;
  readonly stdout: () => string;
  readonly stderr: () => string;
  interrupt(): void;
}

export interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Nine days after everything was made. */
const NOW_MS = Date.parse("2026-01-10T00:00:00.000Z");

export function fossora(options: RunOptions, ...argv: readonly string[]): Promise<Outcome> {
  return begin(options, ...argv).done;
}

export function begin(options: RunOptions, ...argv: readonly string[]): Running {
  const stdout = new Recorder(options);
  const stderr = new Recorder(options);
  let interrupt = (): void => undefined;
  const host = hostOf(options, stdout, stderr, (run) => {
    interrupt = run;
  });
  const node = (): Promise<NodeCommands> => Promise.resolve((options.node ?? {}) as NodeCommands); // the test brings those that it runs
  const dns = (): Promise<DnsProbe> => Promise.resolve(options.dns ?? ({} as DnsProbe)); // as above
  const done = runCli(argv, { node, dns, version: () => options.version ?? "0.1.0", host }).then((code) => ({
    code,
    stdout: stdout.text,
    stderr: stderr.text,
  }));
  return { done, stdout: () => stdout.text, stderr: () => stderr.text, interrupt: () => interrupt() };
}

/** Exit code and both streams, each line as it is. */
export function expectOutcome(
  outcome: Outcome,
  expected: { readonly code?: number; readonly stdout?: string; readonly stderr?: string },
): void {
  assert.equal(outcome.stderr, expected.stderr ?? "");
  assert.equal(outcome.stdout, expected.stdout ?? "");
  assert.equal(outcome.code, expected.code ?? 0);
}

function hostOf(options: RunOptions, stdout: Recorder, stderr: Recorder, onInterrupt: (run: () => void) => void): Host {
  const { files = {} } = options;
  const written = new Map(Object.entries(files));
  const allowed = (path: string, call: string): void => {
    if (path === options.forbidden) throw new Error(`EACCES: permission denied, ${call} '${path}'`);
  };
  const input = Object.assign(new PassThrough(), { setRawMode: () => input, fd: 0 });
  if (options.stdin !== undefined) input.end(options.stdin);
  return {
    stdin: {
      isTty: options.tty ?? false,
      readAll: async () => textOf(options.stdin ?? "", "what is piped in"),
      stream: input as unknown as NodeJS.ReadStream,
    }, // as far as the CLI uses it
    stdout,
    stderr,
    env: { FOSSORA_SOCKET: options.socket, LANG: "C.UTF-8", TERM: "xterm", XDG_CACHE_HOME: "/cache", ...options.env },
    files: {
      read(path) {
        const found = written.get(path);
        if (found === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
        return textOf(found, `"${path}"`);
      },
      write: (path, text) => void written.set(path, text),
      kind(path) {
        allowed(path, "stat");
        if (written.has(path)) return "file";
        return [...written.keys()].some((each) => each.startsWith(path.endsWith("/") ? path : `${path}/`)) ? "directory" : undefined;
      },
      fetch: fetchText,
      list(path) {
        const base = path.endsWith("/") ? path : `${path}/`;
        allowed(base, "scandir");
        return [
          ...new Set(
            [...written.keys()].filter((each) => each.startsWith(base)).map((each) => each.slice(base.length).split("/")[0] ?? ""),
          ),
        ].sort();
      },
    },
    now: () => NOW_MS + (options.elapsedMs?.() ?? 0),
    sleep,
    every(ms, run) {
      const timer = setInterval(run, ms);
      return () => clearInterval(timer);
    },
    onInterrupt(run) {
      onInterrupt(run);
      return () => undefined;
    },
  };
}

/** As a process reads it. */
function textOf(read: string | Uint8Array, what: string): string {
  return typeof read === "string" ? read : utf8(read, what);
}

class Recorder {
  readonly isTTY: boolean;
  readonly columns: number;
  readonly rows = 24;
  #text = "";

  constructor({ tty = false, columns = 100 }: RunOptions) {
    this.isTTY = tty;
    this.columns = columns;
  }

  get text(): string {
    return this.#text;
  }

  write(text: string | Uint8Array): boolean {
    this.#text += typeof text === "string" ? text : Buffer.from(text).toString();
    return true;
  }
}

/** What a terminal shows in the end of what was written to it: cursor up, clear to the end of line and screen; colours dropped. */
export function screen(written: string): string {
  const lines: string[] = [""];
  let row = 0;
  let column = 0;
  for (const [piece, count, letter] of written.matchAll(/\u001b\[(\d*)([A-Za-z])|\n|\r|[^\u001b\n\r]+/g)) {
    const line = lines[row] ?? "";
    if (letter === "A") row = Math.max(0, row - Number(count || 1));
    else if (letter === "K" || letter === "J") {
      lines[row] = line.slice(0, column);
      if (letter === "J") lines.length = row + 1;
    } else if (letter !== undefined) continue;
    else if (piece === "\r") column = 0;
    else if (piece === "\n") {
      row++;
      column = 0;
      lines[row] ??= "";
    } else {
      lines[row] = line.slice(0, column).padEnd(column) + piece + line.slice(column + piece.length);
      column += piece.length;
    }
  }
  return lines.join("\n").trimEnd();
}
