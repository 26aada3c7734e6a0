// The process as the CLI's world: its streams, files, time and Ctrl-C. Tests bring another one.
import { mkdirSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from "node:fs";
import path from "node:path";
import type { Readable } from "node:stream";
import type { WriteStream } from "./terminal.ts";
import { utf8 } from "./utf8.ts";
import type { Files, Input } from "./verb.ts";

export interface Host {
  readonly stdin: Input;
  readonly stdout: WriteStream;
  readonly stderr: WriteStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: Files;
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  every(ms: number, run: () => void): () => void;
  /** Calls once at Ctrl-C; a second one ends the process. Answers the function that stops listening. */
  onInterrupt(run: () => void): () => void;
}

const INTERRUPTED = 130;
const BROKEN_PIPE_EXIT = 0;
const FETCH_WITHIN_MS = 30_000;
/** A manifest is a few KiB; a whole film is a mistake. */
const FETCH_BYTES_MAX = 8 * 1024 * 1024;

export function processHost(): Host {
  // `fossora get ... | head -1` ends early, and that is no error.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(BROKEN_PIPE_EXIT);
    throw error;
  });
  return {
    stdin: {
      get isTty() {
        return process.stdin.isTTY;
      },
      readAll: (signal) => readText(process.stdin, signal),
      get stream() {
        return process.stdin;
      },
    },
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    files,
    now: () => Date.now(),
    sleep,
    every(ms, run) {
      const timer = setInterval(run, ms);
      return () => clearInterval(timer);
    },
    onInterrupt(run) {
      const listener = (): void => {
        process.once("SIGINT", () => process.exit(INTERRUPTED));
        run();
      };
      process.once("SIGINT", listener);
      return () => process.off("SIGINT", listener);
    },
  };
}

const files: Files = {
  read: (file) => utf8(readFileSync(file), `"${file}"`),
  /** Whole or not at all: two shells may ask for the same completion. */
  write(file, text) {
    mkdirSync(path.dirname(file), { recursive: true });
    const part = `${file}.${process.pid}.tmp`;
    writeFileSync(part, text);
    renameSync(part, file);
  },
  kind(file) {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats === undefined ? undefined : stats.isDirectory() ? "directory" : "file";
  },
  list: (directory) => readdirSync(directory).sort(),
  fetch: fetchText,
};

/** As `Files.fetch`. */
export async function fetchText(url: string, interrupted: AbortSignal): Promise<string> {
  const response = await fetch(url, { signal: AbortSignal.any([interrupted, AbortSignal.timeout(FETCH_WITHIN_MS)]) });
  if (!response.ok) throw new Error(`the server answered ${response.status} ${response.statusText}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > FETCH_BYTES_MAX) throw new Error(`it is larger than ${FETCH_BYTES_MAX / 1024 / 1024} MiB`);
    chunks.push(chunk);
  }
  return utf8(Buffer.concat(chunks), "it");
}

export function sleep(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason as Error); // we abort with errors only
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error); // as above
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    signal?.addEventListener("abort", stop, { once: true });
  });
}

/** As `Input.readAll`. */
export async function readText(stream: Readable, signal: AbortSignal): Promise<string> {
  signal.throwIfAborted();
  const chunks: Buffer[] = [];
  const stop = (): void => void stream.destroy(signal.reason as Error); // we abort with errors only
  signal.addEventListener("abort", stop, { once: true });
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  } finally {
    signal.removeEventListener("abort", stop);
  }
  return utf8(Buffer.concat(chunks), "what is piped in");
}
