// The HTTP API of a transcript's house as a client without the CLI calls it: whole answers, and watches.
import assert from "node:assert/strict";
import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import type { ApplyAnswer, WatchLine } from "../../src/api/wire.ts";
import type { TranscriptHouse } from "./transcript-house.ts";
import { until } from "./until.ts";

/** An answer that does not come must not hold up the rest. */
const CALL_LIMIT_MS = 30_000;

export interface Answer<T> {
  readonly code: number;
  readonly headers: IncomingMessage["headers"];
  readonly body: T;
}

export interface Body {
  readonly text: string;
  readonly type: string;
}

/** A manifest as the API takes it. */
export function manifest(text: string): Body {
  return { text, type: "application/apply+yaml" };
}

export async function send(house: TranscriptHouse, method: string, path: string, body?: Body): Promise<IncomingMessage> {
  const headers = body === undefined ? {} : { "content-type": body.type };
  const outgoing = request({ socketPath: house.socket, method, path, agent: false, signal: AbortSignal.timeout(CALL_LIMIT_MS), headers });
  outgoing.end(body?.text);
  const [response] = (await once(outgoing, "response")) as [IncomingMessage]; // node:http's own event
  return response;
}

/** `T` is what the API promises, which the test checks. */
export async function call<T>(house: TranscriptHouse, method: string, path: string, body?: Body): Promise<Answer<T>> {
  const response = await send(house, method, path, body);
  return { code: response.statusCode ?? 0, headers: response.headers, body: JSON.parse(await readText(response)) as T };
}

export async function apply(house: TranscriptHouse, yaml: string): Promise<ApplyAnswer> {
  const { code, body } = await call<ApplyAnswer>(house, "PATCH", "/api/v1", manifest(yaml));
  assert.equal(code, 200, JSON.stringify(body));
  return body;
}

export async function readText(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

/** A watch and the lines that came so far. */
export class Watching {
  readonly lines: WatchLine[] = [];
  ended = false;
  readonly #response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.#response = response;
    let rest = "";
    response.setEncoding("utf8");
    response.on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() ?? "";
      this.lines.push(...parts.map((part) => JSON.parse(part) as WatchLine)); // as above
    });
    response.on("close", () => (this.ended = true));
  }

  static async open(house: TranscriptHouse, path: string): Promise<Watching> {
    return new Watching(await send(house, "GET", path));
  }

  /** As `TYPE name`. */
  get told(): readonly string[] {
    return this.lines.map((line) => ("object" in line ? `${line.type} ${line.object.metadata.name}` : line.type));
  }

  async sees(...told: readonly string[]): Promise<void> {
    await until(
      `${told.join(", ")} in ${this.told.join(", ")}`,
      () => JSON.stringify(this.told.slice(-told.length)) === JSON.stringify(told),
      10_000,
    );
  }

  close(): void {
    this.#response.destroy();
  }
}
