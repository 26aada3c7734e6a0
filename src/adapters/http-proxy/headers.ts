// Header lines as flat arrays (name, value, name, value ...), the way Node hands them over: one loop each way that keeps what is for
// the other end and nothing else.
import type http from "node:http";
import { maxForwardsOnward, maxForwardsProblem } from "./max-forwards.ts";
import { HOP_BY_HOP, isToken, listedByConnection, remembered } from "./names.ts";

export interface Forwarded {
  readonly for: string;
  readonly proto: "http" | "https";
  readonly host: string;
  readonly port: number;
}

export type Headers = Readonly<Record<string, string | undefined>>;

export interface RequestHeaderOptions {
  /** Absent: the app is told nothing about the client. */
  readonly forwarded: Forwarded | undefined;
  /** Set in place of what the client sent under these names; undefined: left out. */
  readonly set: Headers | undefined;
  readonly upgrade: boolean;
}

// oxlint-disable-next-line no-control-regex
const NO_VALUE = /[^\t\x20-\x7e\x80-\xff]/;
/** Only this proxy says where a request came from. `Expect` was answered by the front. */
const FROM_PROXIES = /^(x-forwarded-.*|forwarded|x-real-ip|expect)$/;

interface Meaning {
  readonly key: string;
  readonly isForUs: boolean;
  readonly isLength: boolean;
  readonly isHost: boolean;
}

const asked = remembered((name): Meaning => {
  const key = keyOf(name);
  // To some apps `Content_Length` is a length.
  const isForUs = HOP_BY_HOP.has(key) || FROM_PROXIES.test(key) || (key === "content-length" && name.includes("_"));
  return { key, isForUs, isLength: key === "content-length", isHost: name.toLowerCase() === "host" };
});

export interface RequestLine extends RequestHeaderOptions {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  /** On a connection for this request alone. */
  readonly isOnce: boolean;
}

/** As it goes to the app, in Latin-1, with the empty line at its end. Throws where a header of the route's cannot be written. */
export function requestHead(request: http.IncomingMessage, options: RequestLine): string {
  const headers = requestHeaders(request, options);
  let text = `${options.method} ${options.path} HTTP/1.1\r\n`;
  for (let index = 0; index + 1 < headers.length; index += 2) text += `${headers[index]}: ${headers[index + 1]}\r\n`;
  if (options.upgrade) return `${text}\r\n`;
  return `${text}Connection: ${options.isOnce ? "close" : "keep-alive"}\r\n\r\n`;
}

export function requestHeaders(request: http.IncomingMessage, options: RequestHeaderOptions): readonly string[] {
  const { rawHeaders } = request;
  const listed = listedByConnection(request.headers.connection);
  const headers: string[] = [];
  const forwards = maxForwardsOnward(request);
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const { key, isForUs, isLength } = asked(name);
    // A handshake has no body; a length would let the app wait for one.
    if (isForUs || listed?.has(key) || (isLength && options.upgrade)) continue;
    headers.push(name, key === "max-forwards" && forwards !== undefined ? forwards : (rawHeaders[index + 1] ?? ""));
  }
  const { forwarded } = options;
  if (forwarded !== undefined) {
    headers.push("X-Forwarded-For", forwarded.for, "X-Forwarded-Proto", forwarded.proto, "X-Forwarded-Host", forwarded.host);
    headers.push("X-Forwarded-Port", String(forwarded.port), "X-Real-IP", forwarded.for);
  }
  if (options.upgrade) headers.push("Connection", "Upgrade", "Upgrade", "websocket");
  else headers.push(...framing(request));
  return withSet(headers, options.set);
}

/** What an app answered, and what the route sets; `cookie`: a Set-Cookie of our own, beside those of the app. */
export function answerHeaders(headers: readonly string[], set: Headers | undefined, cookie: string | undefined): readonly string[] {
  const all = withSet(headers, set);
  return cookie === undefined ? all : [...all, "Set-Cookie", cookie];
}

/** Of an answer that Node has read: what is not for one connection only. */
export function endToEnd({ headers, rawHeaders }: Pick<http.IncomingMessage, "headers" | "rawHeaders">): readonly string[] {
  const listed = listedByConnection(headers.connection);
  const kept: string[] = [];
  eachHeader(rawHeaders, (name, value) => {
    const key = name.toLowerCase();
    if (!HOP_BY_HOP.has(key) && listed?.has(key) !== true) kept.push(name, value);
  });
  return kept;
}

/** With the two that say what follows on this connection. */
export function upgradeHeaders(headers: readonly string[], cookie: string | undefined): readonly string[] {
  return [...answerHeaders(headers, undefined, cookie), "Connection", "Upgrade", "Upgrade", "websocket"];
}

/** A body follows. */
export function hasBody(request: http.IncomingMessage): boolean {
  return request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
}

/** What a proxy must not guess about, and what it does not do. undefined: all is well. */
export function requestProblem(request: http.IncomingMessage): { readonly status: number; readonly message: string } | undefined {
  const { httpVersion, method, headers } = request;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return { status: 505, message: "The versions known here are HTTP/1.0 and HTTP/1.1." };
  // It would show the app's secrets to a script.
  if (method === "TRACE") return { status: 501, message: "TRACE is not answered here." };
  const hosts = countHosts(request.rawHeaders);
  if (hosts > 1 || (hosts === 0 && httpVersion === "1.1")) return { status: 400, message: "A request has one Host." };
  if (headers.expect !== undefined && httpVersion === "1.1" && headers.expect.toLowerCase() !== "100-continue")
    return { status: 417, message: "All that can be expected here is 100-continue." };
  const forwards = maxForwardsProblem(request);
  if (forwards !== undefined) return { status: 400, message: forwards };
  const coding = headers["transfer-encoding"];
  if (coding === undefined) return undefined;
  if (coding.toLowerCase() !== "chunked") return { status: 501, message: "The only transfer coding known here is chunked." };
  return httpVersion === "1.0" ? { status: 400, message: "HTTP/1.0 has no transfer codings." } : undefined;
}

/** Of an answer that Node has read. */
type AnswerHead = Pick<http.IncomingMessage, "httpVersionMajor" | "statusMessage" | "headers">;

/** Why an answer that Node has read cannot be passed on: its parser takes what RFC 9112, 4, does not let a status have. undefined: it can. */
export function responseProblem({ httpVersionMajor, statusMessage = "", headers }: AnswerHead): string | undefined {
  if (httpVersionMajor !== 1) return `an answer of HTTP/${httpVersionMajor}`;
  if (NO_VALUE.test(statusMessage)) return "an answer whose status has a control character in its words";
  const coding = headers["transfer-encoding"];
  return coding === undefined || coding.toLowerCase() === "chunked" ? undefined : `an answer with the transfer coding ${coding}`;
}

function framing(request: http.IncomingMessage): readonly string[] {
  // Node undid the chunks; with a flat array it asks us to say that it shall make them again, also for DELETE and OPTIONS.
  if (request.headers["transfer-encoding"] !== undefined) return ["Transfer-Encoding", "chunked"];
  // Else Node would announce chunks that never come.
  const mayHaveBody = request.method === "POST" || request.method === "PUT" || request.method === "PATCH";
  return mayHaveBody && request.headers["content-length"] === undefined ? ["Content-Length", "0"] : [];
}

function countHosts(rawHeaders: readonly string[]): number {
  let hosts = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) if (asked(rawHeaders[index] ?? "").isHost) hosts += 1;
  return hosts;
}

function withSet(headers: readonly string[], set: Headers | undefined): readonly string[] {
  if (set === undefined) return headers;
  const names = new Set(Object.keys(set).map(keyOf));
  const kept: string[] = [];
  eachHeader(headers, (name, value) => {
    if (!names.has(keyOf(name))) kept.push(name, value);
  });
  for (const [name, value] of Object.entries(set)) {
    if (value === undefined) continue;
    if (!isToken(name) || NO_VALUE.test(value)) throw new TypeError(`no header: ${JSON.stringify(name)}`);
    kept.push(name, value);
  }
  return kept;
}

/** `over` counts where both say something of a header, however it is written. */
export function overlaid(under: Headers, over: Headers = {}): Headers {
  const names = new Set(Object.keys(over).map(keyOf));
  return { ...Object.fromEntries(Object.entries(under).filter(([name]) => !names.has(keyOf(name)))), ...over };
}

/** Many servers read `X_Forwarded_For` and `X-Forwarded-For` as one. */
function keyOf(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

function eachHeader(flat: readonly string[], visit: (name: string, value: string) => void): void {
  for (let index = 0; index + 1 < flat.length; index += 2) visit(flat[index] ?? "", flat[index + 1] ?? "");
}
