// What a verb is: a line in the table of commands, its options, and a run that sees the world through these ports alone.
import type { Command } from "commander";
import type { DnsProbe } from "../ports.ts";
import type { Client } from "./client.ts";
import type { NodeCommands } from "./node-commands.ts";
import type { Output } from "./terminal.ts";

export interface Input {
  readonly isTty: boolean;
  /** Throws the signal's reason. */
  readAll(signal: AbortSignal): Promise<string>;
  /** Raw bytes, for `exec`; `setRaw` needs a terminal. */
  readonly stream: NodeJS.ReadStream;
}

/** What people on this computer have, as the CLI reads it. */
export interface Files {
  read(path: string): string;
  write(path: string, text: string): void;
  /** Undefined: there is no such thing. */
  kind(path: string): "file" | "directory" | undefined;
  /** Names in a directory. */
  list(path: string): readonly string[];
  /** The text behind an http or https address. Throws with what went wrong, and the signal's reason. */
  fetch(url: string, signal: AbortSignal): Promise<string>;
}

export interface CliPorts {
  readonly client: Client;
  readonly stdin: Input;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly files: Files;
  readonly quiet: boolean;
  /** Requests are shown on stderr as they are answered: nothing may be drawn in place there. */
  readonly verbose: boolean;
  /** Somebody sits at a terminal, and did not say --no-input. */
  readonly mayAsk: boolean;
  /** Wall time in ms, for ages. */
  now(): number;
  /** Rejects when the signal says so. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Calls every `ms` until the returned function is called. */
  every(ms: number, run: () => void): () => void;
  /** Aborted by Ctrl-C. */
  readonly interrupted: AbortSignal;
  /** Of this program. */
  readonly version: string;
  readonly node: () => Promise<NodeCommands>;
  readonly dns: () => Promise<DnsProbe>;
}

export type Run = (ports: CliPorts) => Promise<number>;

export interface Verb {
  /** Adds arguments, options and examples to its command; what was asked for goes to `invoke`. */
  define(command: Command, invoke: (run: Run) => Promise<void>): void;
}
