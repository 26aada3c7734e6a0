// The CLI's only way to the house: HTTP over the node's unix socket. `node:http` alone, for https and http2 cost every start 6 ms.
import { request as httpRequest, type IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { ErrorStatus, WatchLine } from "../api/wire.ts";
import { ApiFailure, EXIT, Failure } from "./failure.ts";

export interface RequestOptions {
  readonly query?: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body?: string;
  readonly contentType?: string;
  readonly signal?: AbortSignal;
  /** Without an answer by then the node is called unreachable; absent: a minute. */
  readonly timeoutMs?: number;
  /** A stream that says nothing for so long is broken; absent: it may be silent for ever. */
  readonly silenceMs?: number;
}

export interface Upgraded {
  readonly socket: Duplex;
  /** What came behind the header. */
  readonly head: Buffer;
  readonly headers: IncomingMessage["headers"];
}

/** Throws ApiFailure for what the server refuses, Failure with `unreachable` where nobody answers. */
export interface Client {
  readonly socketPath: string;
  /** `T` is what the API says it answers there. */
  json<T>(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, options?: RequestOptions): Promise<T>;
  /** JSON lines, until the server or the signal ends them. */
  lines<T>(path: string, options?: RequestOptions): AsyncIterable<T>;
  upgrade(path: string, protocol: string, options?: RequestOptions): Promise<Upgraded>;
}

/** Nobody listens there: no node runs on this computer. */
export class NotRunning extends Failure {}

const ANSWER_WITHIN_MS = 60_000;
/** The server says at least every 10 s that it is there. */
const WATCH_SILENCE_MS = 30_000;
const LINE_BYTES_MAX = 16 * 1024 * 1024;

/** A `servername`, though there is no TLS: without one Node compiles large regular expressions at each start (5 ms) to find it. */
const common = { agent: false, servername: "" } as const;

/** Told of a request when it is made; what it answers is told how that went. */
export type RequestTimer = (request: string) => (outcome: string) => void;

export interface ClientHooks {
  readonly timer?: RequestTimer | undefined;
  /** An answer was read from a copy that is so old, for the house has no quorum. */
  readonly onOld?: (ageMs: number) => void;
}

/** `interrupted` ends whatever has no signal of its own; a connection that was upgraded is the caller's to end. */
export function unixClient(socketPath: string, interrupted: AbortSignal, { timer, onOld }: ClientHooks = {}): Client {
  const sent = async (method: string, path: string, options: RequestOptions): Promise<IncomingMessage> => {
    const request = `${method} ${pathOf(path, options)}`;
    const response = await timed(timer, request, send(socketPath, method, path, options), ({ statusCode }) => String(statusCode));
    const age = response.headers["age"];
    if (age !== undefined) onOld?.(1000 * Number(age));
    return response;
  };
  return {
    socketPath,
    async json(method, path, given = {}) {
      const options = { signal: interrupted, ...given };
      const response = await sent(method, path, options);
      try {
        return JSON.parse(await readAll(response)) as never; // the API's promise: this is the wire
      } catch (error) {
        throw options.signal.aborted ? options.signal.reason : asFailure(socketPath, error);
      }
    },
    async *lines(path, given = {}) {
      const options = { signal: interrupted, ...given };
      const response = await sent("GET", path, options);
      try {
        for await (const line of splitLines(response)) yield JSON.parse(line) as never; // the API's promise
      } catch (error) {
        if (!options.signal.aborted) throw asFailure(socketPath, error);
      } finally {
        response.destroy();
      }
    },
    upgrade(path, protocol, given = {}) {
      const options = { signal: interrupted, ...given };
      return timed(timer, `POST ${pathOf(path, options)}`, upgrade(socketPath, path, protocol, options), () => "101");
    },
  };
}

/** Until the head of the answer is there: what a stream says takes as long as it takes. */
async function timed<T>(timer: RequestTimer | undefined, request: string, answer: Promise<T>, outcomeOf: (value: T) => string): Promise<T> {
  const done = timer?.(request);
  try {
    const value = await answer;
    done?.(outcomeOf(value));
    return value;
  } catch (error) {
    done?.(error instanceof ApiFailure ? String(error.status.code) : "no answer");
    throw error;
  }
}

/** A watch that ends with ERROR throws it: whoever watches either goes on or fails. */
export async function* watchLines(
  client: Client,
  path: string,
  options: RequestOptions,
): AsyncIterable<Exclude<WatchLine, { type: "ERROR" }>> {
  for await (const line of client.lines<WatchLine>(path, {
    silenceMs: WATCH_SILENCE_MS,
    ...options,
    query: { ...options.query, watch: "1" },
  })) {
    if (line.type === "ERROR") throw new ApiFailure(line.status);
    yield line;
  }
}

function send(socketPath: string, method: string, path: string, options: RequestOptions): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const { body, contentType, signal } = options;
    const headers =
      body === undefined ? {} : { "content-type": contentType ?? "application/json", "content-length": Buffer.byteLength(body) };
    const request = httpRequest({ ...common, socketPath, method, path: pathOf(path, options), headers, ...(signal && { signal }) });
    request.setTimeout(options.timeoutMs ?? ANSWER_WITHIN_MS, () => request.destroy(unreachable(socketPath, "it does not answer")));
    request.on("error", (error) => reject(signal?.aborted ? signal.reason : asFailure(socketPath, error)));
    request.on("response", (response) => {
      request.setTimeout(options.silenceMs ?? 0);
      if (isGood(response)) resolve(response);
      else readRefusal(socketPath, response).then(reject, reject);
    });
    request.end(body);
  });
}

function upgrade(socketPath: string, path: string, protocol: string, options: RequestOptions): Promise<Upgraded> {
  return new Promise((resolve, reject) => {
    const { signal } = options;
    const headers = { connection: "Upgrade", upgrade: protocol };
    const request = httpRequest({ ...common, socketPath, method: "POST", path: pathOf(path, options), headers, ...(signal && { signal }) });
    request.setTimeout(options.timeoutMs ?? ANSWER_WITHIN_MS, () => request.destroy(unreachable(socketPath, "it does not answer")));
    request.on("error", (error) => reject(signal?.aborted ? signal.reason : asFailure(socketPath, error)));
    request.on("upgrade", (response, socket, head) => {
      request.setTimeout(0);
      resolve({ socket, head, headers: response.headers });
    });
    request.on("response", (response) => void readRefusal(socketPath, response).then(reject, reject));
    request.end();
  });
}

function isGood(response: IncomingMessage): boolean {
  return response.statusCode !== undefined && response.statusCode < 300;
}

function pathOf(path: string, { query = {} }: RequestOptions): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (typeof value === "string") search.set(key, value);
    else for (const each of value ?? []) search.append(key, each);
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

function statusFrom(response: IncomingMessage, text: string): ErrorStatus {
  try {
    const body = JSON.parse(text) as Partial<ErrorStatus>; // checked in the next line
    if (body.kind === "Status" && body.reason && body.message) return body as ErrorStatus;
  } catch {
    // Not JSON: said below.
  }
  return {
    kind: "Status",
    reason: "InternalError",
    code: response.statusCode ?? 500,
    message: `The node answered ${response.statusCode}: ${text.slice(0, 200)}`,
    next: "fossora version",
  };
}

async function readRefusal(socketPath: string, response: IncomingMessage): Promise<Error> {
  try {
    return new ApiFailure(statusFrom(response, await readAll(response)));
  } catch (error) {
    return asFailure(socketPath, error);
  }
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}

async function* splitLines(response: IncomingMessage): AsyncIterable<string> {
  let rest = "";
  response.setEncoding("utf8");
  for await (const chunk of response as AsyncIterable<string>) {
    const parts = (rest + chunk).split("\n");
    rest = parts.pop() ?? "";
    if (rest.length > LINE_BYTES_MAX) throw new Error(`Cannot read the node's answer: a line is longer than ${LINE_BYTES_MAX} bytes`);
    for (const part of parts) if (part !== "") yield part;
  }
  if (rest !== "") throw new Error("it ended in the middle of a line");
}

function asFailure(socketPath: string, error: unknown): Error {
  if (!(error instanceof Error) || error instanceof Failure || error instanceof ApiFailure) return error as Error; // nothing else is thrown
  const { code } = error as NodeJS.ErrnoException; // where the system named it
  if (code === "EACCES" || code === "EPERM") {
    return new Failure(
      EXIT.unreachable,
      `Cannot reach the node at ${socketPath}: you may not open it. It is for root and the group "fossora".`,
      "sudo usermod -aG fossora $USER, log in again; or put sudo before the command",
      { cause: error },
    );
  }
  if (code === "ENOENT" || code === "ECONNREFUSED")
    return new NotRunning(
      EXIT.unreachable,
      `Cannot reach the node at ${socketPath}: Fossora does not run on this computer.`,
      "sudo fossora up",
    );
  return new Failure(EXIT.unreachable, `The connection to the node at ${socketPath} broke: ${error.message}`, "fossora status", {
    cause: error,
  });
}

function unreachable(socketPath: string, why: string): Failure {
  return new Failure(EXIT.unreachable, `Cannot reach the node at ${socketPath}: ${why}.`, "sudo fossora up");
}
