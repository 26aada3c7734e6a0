// Docker's event stream, reconnected for ever: a hint that something happened to a container of ours, never the truth.
import { setTimeout as sleep } from "node:timers/promises";
import { LABEL } from "../../api/labels.ts";
import { EngineError } from "../../api/errors.ts";
import type { ContainerEvent } from "../../container-ports.ts";
import type { Connection } from "./connection.ts";
import { jsonLines } from "./streams.ts";

const retryFirstMs = 100;
const retryMaxMs = 2000;
/** Not `exec_*`: each run of a health check makes three of those. */
const ACTIONS = ["create", "start", "die", "oom", "destroy", "health_status", "pause", "unpause", "update"];

/** Yields an event without a service whenever the stream was (re)connected. Throws the signal's reason in the end. */
export async function* containerEvents(connection: Connection, signal: AbortSignal): AsyncIterable<ContainerEvent> {
  for (let retryMs = retryFirstMs; ; retryMs = Math.min(retryMs * 2, retryMaxMs)) {
    const stream = await connect(connection, signal);
    if (stream) {
      retryMs = retryFirstMs;
      yield { action: "connected" };
      yield* read(stream, signal);
    }
    await sleep(retryMs, undefined, { signal });
  }
}

async function connect(connection: Connection, signal: AbortSignal): Promise<AsyncIterable<Uint8Array> | undefined> {
  const options = { filters: JSON.stringify({ type: ["container"], label: [LABEL.kind], event: ACTIONS }), abortSignal: signal };
  try {
    // The stream outlives the call's limit: it has the caller's signal alone.
    const stream = await connection.call("watch Docker's events", signal, (docker) => docker.getEvents(options));
    return stream as NodeJS.ReadableStream & AsyncIterable<Uint8Array>; // a response: a Node stream of bytes
  } catch (error) {
    if (error instanceof EngineError) return undefined;
    throw error;
  }
}

interface EventLine {
  readonly Action: string;
  readonly Actor: { readonly Attributes: Readonly<Record<string, string>> };
}

/** Ends when the connection does. */
async function* read(stream: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncIterable<ContainerEvent> {
  try {
    for await (const line of jsonLines(stream)) {
      const { Action, Actor } = line as EventLine; // as Docker's API describes
      const service = Actor.Attributes[LABEL.name];
      yield { action: Action, ...(service !== undefined && { service }) };
    }
  } catch {
    signal.throwIfAborted();
  }
}
