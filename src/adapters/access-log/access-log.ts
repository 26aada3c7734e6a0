// The access log's file: lines wait in memory for at most a second, are written together, and never hold up a request. What does not
// fit is counted, and said in the file when there is room again.
import { open, stat, type FileHandle } from "node:fs/promises";
import type { LoggedExchange, Log } from "../../ports.ts";

const FLUSH_AFTER_MS = 1000;
const FLUSH_AT_LENGTH = 64 * 1024;
/** A disk that hangs, or requests faster than it: the rest is dropped. */
const WAITING_LENGTH_MAX = 4 * 1024 * 1024;
const FILE_MODE = 0o640;

export interface AccessLogOptions {
  readonly line: (exchange: LoggedExchange, endedAtMs: number) => string;
  readonly log: Log;
}

export interface AccessLogStatus {
  readonly file: string;
  readonly lines: number;
  readonly dropped: number;
  /** Why nothing is written. */
  readonly problem?: string;
}

export class AccessLog {
  readonly #options: AccessLogOptions;
  #file: string | undefined;
  #handle: FileHandle | undefined;
  #waiting: string[] = [];
  #length = 0;
  #timer: NodeJS.Timeout | undefined;
  #writing: Promise<void> | undefined;
  #lines = 0;
  #dropped = 0;
  /** Since the file last said so. */
  #unsaid = 0;
  #problem: string | undefined;

  constructor(options: AccessLogOptions) {
    this.#options = options;
  }

  /** Undefined: off. */
  use(file: string | undefined): void {
    const before = this.#file;
    if (file === before) return;
    this.#file = file;
    this.#problem = undefined;
    const moved = before === undefined ? Promise.resolve() : this.flush(before);
    // Opened at once, so that a wrong path is known before the first request.
    void moved.then(() => (file === undefined ? this.#close() : this.flush()));
  }

  get status(): AccessLogStatus | undefined {
    if (this.#file === undefined) return undefined;
    const problem = this.#problem;
    return { file: this.#file, lines: this.#lines, dropped: this.#dropped, ...(problem !== undefined && { problem }) };
  }

  ended(exchange: LoggedExchange): void {
    if (this.#file === undefined) return;
    if (this.#length >= WAITING_LENGTH_MAX) return this.#drop(1);
    const line = this.#options.line(exchange, Date.now());
    this.#waiting.push(line);
    this.#length += line.length;
    if (this.#length >= FLUSH_AT_LENGTH) void this.flush();
    else this.#timer ??= setTimeout(() => void this.flush(), FLUSH_AFTER_MS).unref();
  }

  /** Resolves once what waited at the call is written or dropped. */
  async flush(file = this.#file): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (file === undefined) return;
    this.#writing = this.#write(file).finally(() => (this.#writing = undefined));
    await this.#writing;
  }

  async #write(file: string): Promise<void> {
    const lines = this.#waiting;
    this.#waiting = [];
    this.#length = 0;
    const unsaid = this.#unsaid;
    const note = unsaid === 0 ? "" : `${JSON.stringify({ time: new Date().toISOString(), dropped: unsaid })}\n`;
    try {
      const handle = await this.#open(file);
      if (lines.length > 0 || note !== "") await handle.appendFile(note + lines.join(""));
      this.#lines += lines.length;
      this.#unsaid -= unsaid;
      if (this.#problem !== undefined) this.#options.log.info("Access log is written again", { file });
      this.#problem = undefined;
    } catch (error) {
      this.#drop(lines.length);
      const problem = error instanceof Error ? error.message : String(error);
      if (this.#problem !== problem) this.#options.log.warn("Access log could not be written", { file, error: problem });
      this.#problem = problem;
      await this.#close();
    }
  }

  /** The file of that name now: whoever rotates it moves it away and need not tell us. */
  async #open(file: string): Promise<FileHandle> {
    if (this.#handle !== undefined) {
      const [held, there] = await Promise.all([this.#handle.stat(), stat(file).catch(() => undefined)]);
      if (held.ino === there?.ino && held.dev === there.dev) return this.#handle;
      await this.#close();
    }
    this.#handle = await open(file, "a", FILE_MODE);
    return this.#handle;
  }

  async #close(): Promise<void> {
    const handle = this.#handle;
    this.#handle = undefined;
    await handle?.close().catch(() => undefined);
  }

  #drop(lines: number): void {
    this.#dropped += lines;
    this.#unsaid += lines;
  }
}
