// The head of an app's answer, read as strictly as Node's own parser reads it, and in the same pass sorted into what is for the client
// and what is for this connection only (RFC 9112, 4 and 5; RFC 9110, 7.6.1). Pure.
import { HOP_BY_HOP, isToken, listedByConnection, remembered } from "./names.ts";

export interface AnswerHead {
  /** Of HTTP/1. */
  readonly minor: number;
  readonly status: number;
  readonly message: string;
  /** For the client: name, value, name, value ... as the app wrote them. */
  readonly headers: readonly string[];
  /** undefined: until the connection ends. What an answer without a body says counts for nothing. */
  readonly body: number | "chunked" | undefined;
  /** The app may be asked again on this connection. */
  readonly isKept: boolean;
  /** How long it says that it keeps an idle connection, s. */
  readonly keepSeconds: number | undefined;
  readonly upgrade: string | undefined;
}

type Kind = "other" | "dropped" | "length" | "coding" | "connection" | "keep-alive" | "upgrade" | "invalid";

const kindOf = remembered((name): Kind => {
  const key = name.toLowerCase();
  if (!isToken(key)) return "invalid";
  switch (key) {
    case "content-length":
      return "length";
    case "transfer-encoding":
      return "coding";
    case "connection":
    case "keep-alive":
    case "upgrade":
      return key;
    default:
      return HOP_BY_HOP.has(key) ? "dropped" : "other";
  }
});

const STATUS_LINE = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/;
/** No text of a head, and half of a line's end. Also true of a head that is not whole yet. */
// oxlint-disable-next-line no-control-regex
const UNREADABLE = /[^\t\r\n\x20-\x7e\x80-\xff]|\r[^\n]|(?<!\r)\n/;
const START = "HTTP/1.";

/** `text` in Latin-1, each line with its CR and LF, without the empty line at the end. A text for an answer: why it cannot be read. */
export function readAnswerHead(text: string): AnswerHead | string {
  if (UNREADABLE.test(text)) return "an answer whose head has a control character or half a line's end";
  const first = text.indexOf("\r\n");
  const line = STATUS_LINE.exec(text.slice(0, first));
  if (line === null) return "what is no answer of HTTP/1";
  const headers: string[] = [];
  let [length, coding, connection, keepAlive, upgrade]: (string | undefined)[] = [];
  for (let at = first + 2; at < text.length;) {
    const end = text.indexOf("\r\n", at);
    const colon = text.indexOf(":", at);
    if (colon < 0 || colon > end) return "an answer with a line that is no header";
    const name = text.slice(at, colon);
    const value = trimmed(text, colon + 1, end);
    at = end + 2;
    switch (kindOf(name)) {
      case "invalid":
        return "an answer with a line that is no header";
      case "length":
        if (length !== undefined) return "an answer with two lengths";
        length = value;
        headers.push(name, value);
        break;
      case "coding":
        coding = coding === undefined ? value : `${coding}, ${value}`;
        break;
      case "connection":
        connection = connection === undefined ? value : `${connection}, ${value}`;
        break;
      case "keep-alive":
        keepAlive = value;
        break;
      case "upgrade":
        upgrade = value;
        break;
      case "dropped":
        break;
      case "other":
        headers.push(name, value);
    }
  }
  if (coding !== undefined && coding.toLowerCase() !== "chunked") return `an answer with the transfer coding ${coding}`;
  if (coding !== undefined && length !== undefined) return "an answer with a length and chunks";
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return `an answer of the length "${length}"`;
  const minor = Number(line[1]);
  const listed = listedByConnection(connection);
  return {
    minor,
    status: Number(line[2]),
    message: line[3] ?? "",
    headers: listed === undefined ? headers : withoutListed(headers, listed),
    body: coding === undefined ? (length === undefined ? undefined : Number(length)) : "chunked",
    isKept: isKept(minor, connection) && !(minor === 0 && coding !== undefined),
    keepSeconds: keepAlive === undefined ? undefined : secondsOf(keepAlive),
    upgrade,
  };
}

/** Of the beginning of a head: whether it can still become one. */
export function mayBecomeHead(text: string): boolean {
  return START.startsWith(text.slice(0, START.length)) && !UNREADABLE.test(text);
}

/** Of the lines behind a body's last chunk, each with its end. */
export function areHeaderLines(text: string): boolean {
  return typeof readAnswerHead(`HTTP/1.1 200 \r\n${text}`) !== "string";
}

/** Answers to HEAD and these have none, whatever their heads say (RFC 9112, 6.3). */
export function hasNoBody(method: string, status: number): boolean {
  return method === "HEAD" || status === 204 || status === 304;
}

function trimmed(text: string, from: number, to: number): string {
  let [start, end] = [from, to];
  while (start < end && isBlank(text.charCodeAt(start))) start += 1;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end -= 1;
  return text.slice(start, end);
}

function isBlank(code: number): boolean {
  return code === 32 || code === 9;
}

function isKept(minor: number, connection: string | undefined): boolean {
  if (connection === undefined) return minor === 1;
  if (/(?:^|,)[ \t]*close[ \t]*(?:,|$)/i.test(connection)) return false;
  return minor === 1 || /(?:^|,)[ \t]*keep-alive[ \t]*(?:,|$)/i.test(connection);
}

function secondsOf(keepAlive: string): number | undefined {
  const seconds = /(?:^|[,; \t])timeout=(\d{1,9})/i.exec(keepAlive)?.[1];
  return seconds === undefined ? undefined : Number(seconds);
}

function withoutListed(headers: readonly string[], listed: ReadonlySet<string>): string[] {
  const kept: string[] = [];
  for (let index = 0; index + 1 < headers.length; index += 2) {
    const name = headers[index] ?? "";
    if (!listed.has(name.toLowerCase())) kept.push(name, headers[index + 1] ?? "");
  }
  return kept;
}
