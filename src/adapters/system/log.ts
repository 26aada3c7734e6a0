// The program's own log on one stream: text for people, or one JSON object a line for programs.
import { fstatSync } from "node:fs";
import type { Log } from "../../ports.ts";

export type LogLevel = keyof Log;

export interface LogOptions {
  readonly level: LogLevel;
  readonly format: "text" | "json";
  readonly write: (line: string) => void;
  /** RFC 3339; absent: no time is written (the journal stamps its own). */
  readonly time?: () => string;
}

const severity: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };

export function createLog(options: LogOptions): Log {
  const at = (level: LogLevel): Log[LogLevel] => {
    if (severity[level] < severity[options.level]) return () => {};
    return (message, fields = {}) => options.write(`${formatLine(options, level, message, fields)}\n`);
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/**
 * The journal stamps each line itself. Its variable names the socket that it reads (systemd.exec(5)), and whoever a service starts inherits
 * that, wherever its own output goes.
 */
export function isJournal(fd: number, named: string | undefined): boolean {
  const { dev, ino } = fstatSync(fd);
  return named === `${dev}:${ino}`;
}

/** Once, in a process that serves: whoever read its log may be gone, or the disk full, and that is no reason to end. */
export function outliveOutput(): void {
  for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
}

type Fields = Readonly<Record<string, unknown>>;

function formatLine({ format, time }: LogOptions, level: LogLevel, message: string, fields: Fields): string {
  const stamp = time?.();
  if (format === "json") return JSON.stringify({ ...(stamp !== undefined && { time: stamp }), level, message, ...fields }, plain);
  const rest = Object.entries(fields)
    .filter(([, value]) => value !== undefined)
    .map(([key, value]) => ` ${key}=${textOf(value)}`);
  return `${stamp === undefined ? "" : `${stamp} `}${level.padEnd(5)} ${message}${rest.join("")}`;
}

/** One line, whatever the value: nobody writes a second line into the log. */
function textOf(value: unknown): string {
  const shown = plain("", value);
  const text = typeof shown === "string" ? shown : JSON.stringify(shown, plain);
  return /^[^\s"=]+$/.test(text) ? text : JSON.stringify(text);
}

/** What JSON has no word for: errors with their causes, big numbers. */
function plain(_key: string, value: unknown): unknown {
  if (value instanceof Error) return value.cause === undefined ? value.message : `${value.message} (${String(plain("", value.cause))})`;
  return typeof value === "bigint" ? value.toString() : value;
}
