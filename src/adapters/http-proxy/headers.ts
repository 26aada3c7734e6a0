// Header lines as flat arrays (name, value, name, value ...), the way Node hands them over: one loop each way that keeps what is for
// the other end and nothing else.
import type http from "node:http";
import { maxForwardsOnward, maxForwardsProblem } from "./max-forwards.ts";

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

/** For one connection only: RFC 9110, 7.6.1, two that never were standard, and one that goes with an upgrade which is not passed on. */
const HOP_BY_HOP = new Set([
  "connection",
  "keep-alive",
  "proxy-connection",
  "proxy-authenticate",
  "proxy-authorization",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
  "http2-settings",
]);
/** `Connection` may name headers to leave out, but not these: without them the message would mean something else. */
const NEVER_BY_HOP = new Set(["host", "content-length", "content-type", "cookie", "authorization"]);
/** Only this proxy says where a request came from. `Expect` was answered by the front. */
const FROM_PROXIES = /^(x-forwarded-.*|forwarded|x-real-ip|expect)$/;

interface Meaning {
  readonly key: string;
  readonly isForUs: boolean;
  readonly isLength: boolean;
}

const asked = remembered((name): Meaning => {
  const key = keyOf(name);
  // To some apps `Content_Length` is a length.
  const isForUs = HOP_BY_HOP.has(key) || FROM_PROXIES.test(key) || (key === "content-length" && name.includes("_"));
  return { key, isForUs, isLength: key === "content-length" };
});
const answered = remembered((name): Meaning => {
  const key = name.toLowerCase();
  return { key, isForUs: HOP_BY_HOP.has(key), isLength: key === "content-length" };
});

export function requestHeaders(request: http.IncomingMessage, options: RequestHeaderOptions): string[] {
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

/** `cookie`: a Set-Cookie of our own, beside those of the app. */
export function responseHeaders(
  response: Pick<http.IncomingMessage, "headers" | "rawHeaders">,
  set: Headers | undefined,
  cookie?: string,
): string[] {
  const { rawHeaders } = response;
  const listed = listedByConnection(response.headers.connection);
  const chunked = response.headers["transfer-encoding"] !== undefined;
  const headers: string[] = [];
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = rawHeaders[index] ?? "";
    const { key, isForUs, isLength } = answered(name);
    // Node frames the answer anew for this client.
    if (isForUs || listed?.has(key) || (isLength && chunked)) continue;
    headers.push(name, rawHeaders[index + 1] ?? "");
  }
  const all = withSet(headers, set);
  return cookie === undefined ? all : [...all, "Set-Cookie", cookie];
}

/** As they came, with the two that say what follows on this connection. */
export function upgradeHeaders(response: http.IncomingMessage, cookie: string | undefined): string[] {
  return [...responseHeaders(response, undefined, cookie), "Connection", "Upgrade", "Upgrade", "websocket"];
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

/** Of an answer, also of an interim one. */
export type AnswerHead = Pick<http.IncomingMessage, "httpVersionMajor" | "statusMessage" | "headers">;

/** Node's parser takes what RFC 9112, 4, does not let a status have; a terminal or a log would obey it. */
// oxlint-disable-next-line no-control-regex
const NO_WORDS = /[^\t\x20-\x7e\x80-\xff]/;

/** Why an answer cannot be passed on; undefined: it can. */
export function responseProblem(response: AnswerHead): string | undefined {
  const { httpVersionMajor, statusMessage = "", headers } = response;
  if (httpVersionMajor !== 1) return `an answer of HTTP/${httpVersionMajor}`;
  if (NO_WORDS.test(statusMessage)) return "an answer whose status has a control character in its words";
  const coding = headers["transfer-encoding"];
  return coding === undefined || coding.toLowerCase() === "chunked" ? undefined : `an answer with the transfer coding ${coding}`;
}

/** Nothing but the end of its connection says where its body ends: RFC 9112, 6.3. */
export function endsWithConnection({ method }: http.IncomingMessage, { headers, statusCode }: http.IncomingMessage): boolean {
  if (headers["content-length"] !== undefined || headers["transfer-encoding"] !== undefined) return false;
  return method !== "HEAD" && statusCode !== 204 && statusCode !== 304;
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
  for (let index = 0; index < rawHeaders.length; index += 2) if (answered(rawHeaders[index] ?? "").key === "host") hosts += 1;
  return hosts;
}

function listedByConnection(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || /^(keep-alive|close)$/i.test(connection)) return undefined;
  const names = connection.split(",").map((name) => name.trim().toLowerCase());
  return new Set(names.filter((name) => !NEVER_BY_HOP.has(name)));
}

function withSet(headers: string[], set: Headers | undefined): string[] {
  if (set === undefined) return headers;
  const names = new Set(Object.keys(set).map(keyOf));
  const kept: string[] = [];
  eachHeader(headers, (name, value) => {
    if (!names.has(keyOf(name))) kept.push(name, value);
  });
  for (const [name, value] of Object.entries(set)) if (value !== undefined) kept.push(name, value);
  return kept;
}

const NAMES_MAX = 500;
const NAME_LENGTH_MAX = 64;

/** Apps and browsers use the same few names at every request: what one means is worked out once. */
function remembered(meaningOf: (name: string) => Meaning): (name: string) => Meaning {
  const known = new Map<string, Meaning>();
  return (name) => {
    const before = known.get(name);
    if (before !== undefined) return before;
    const meaning = meaningOf(name);
    if (name.length > NAME_LENGTH_MAX) return meaning;
    if (known.size >= NAMES_MAX) known.clear();
    known.set(name, meaning);
    return meaning;
  };
}

/** Many servers read `X_Forwarded_For` and `X-Forwarded-For` as one. */
function keyOf(name: string): string {
  return name.toLowerCase().replaceAll("_", "-");
}

function eachHeader(flat: readonly string[], visit: (name: string, value: string) => void): void {
  for (let index = 0; index + 1 < flat.length; index += 2) visit(flat[index] ?? "", flat[index + 1] ?? "");
}
