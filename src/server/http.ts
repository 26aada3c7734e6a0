// The little that the handlers need of HTTP: bodies with a limit, JSON answers, streams of JSON lines with back-pressure.
import type { IncomingMessage, ServerResponse } from "node:http";
import type { ErrorStatus } from "../api/wire.ts";
import { ApiError } from "./api-error.ts";

/** An apply holds at most 4 MiB of manifests; the rest is what JSON adds, and files that they name. */
const BODY_BYTES_MAX = 8 * 1024 * 1024;
const RETRY_AFTER_SECONDS = 2;

/** Throws TooLarge as soon as the limit is passed. */
export async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX)
      throw new ApiError(
        "TooLarge",
        `Cannot read the request: it is larger than ${BODY_BYTES_MAX / 1024 / 1024} MiB. Apply fewer files at once.`,
      );
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

/** Throws BadRequest. */
export function parseJson(body: string): unknown {
  if (body === "") return undefined;
  try {
    return JSON.parse(body);
  } catch (error) {
    throw new ApiError("BadRequest", `Cannot read the request: it is no JSON (${error instanceof Error ? error.message : String(error)}).`);
  }
}

export function sendJson(response: ServerResponse, code: number, body: unknown): void {
  send(response, code, "application/json", `${JSON.stringify(body)}\n`);
}

export function sendText(response: ServerResponse, contentType: string, text: string): void {
  send(response, 200, contentType, text);
}

function send(response: ServerResponse, code: number, contentType: string, text: string): void {
  response.writeHead(code, { "content-type": contentType, "content-length": Buffer.byteLength(text) });
  response.end(text);
}

export function sendStatus(response: ServerResponse, status: ErrorStatus): void {
  if (status.code === 503) response.setHeader("retry-after", RETRY_AFTER_SECONDS);
  // The rest of a body that nobody reads must not be taken for the next request.
  if (status.reason === "TooLarge") response.setHeader("connection", "close");
  sendJson(response, status.code, status);
}

/** A stream of JSON lines. Nothing is written while the client reads more slowly than lines come: ask `writable` first. */
export class JsonLines {
  readonly #response: ServerResponse;

  constructor(response: ServerResponse, contentType = "application/json; stream=lines") {
    this.#response = response;
    response.writeHead(200, { "content-type": contentType, "cache-control": "no-store" });
    response.flushHeaders();
  }

  get writable(): boolean {
    return !this.#response.writableEnded && !this.#response.destroyed && !this.#response.writableNeedDrain;
  }

  write(line: unknown): void {
    if (!this.#response.writableEnded) this.#response.write(`${JSON.stringify(line)}\n`);
  }

  /** Resolves when there is room again, or when the client has gone. */
  async drained(): Promise<void> {
    const response = this.#response;
    if (!response.writableNeedDrain || response.destroyed) return;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        response.off("drain", done).off("close", done);
        resolve();
      };
      response.on("drain", done).on("close", done);
    });
  }

  onDrain(run: () => void): void {
    this.#response.on("drain", run);
  }

  end(): void {
    this.#response.end();
  }

  destroy(): void {
    this.#response.destroy();
  }
}
