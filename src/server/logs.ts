// The output of a Service's containers as lines: merged by time, or as they come while somebody follows.
import type { Container, LogChunk } from "../container-ports.ts";
import type { LogLine } from "../api/wire.ts";
import { ApiError } from "./api-error.ts";
import type { JsonLines } from "./http.ts";
import type { ServerPorts } from "./ports.ts";

export interface LogRequest {
  readonly service: string;
  readonly instance?: string;
  readonly container?: string;
  readonly node?: string;
  readonly follow: boolean;
  /** Only what was printed before the last start: a container that Docker restarts goes on in the same log. */
  readonly previous: boolean;
  readonly tail?: number;
  /** Unix seconds. */
  readonly since?: number;
}

/** While somebody follows, containers made since then are looked for this often. */
const LOOK_AGAIN_MS = 2_000;
/** A line longer than this is cut: a container that never ends its line must not fill our memory. */
const LINE_BYTES_MAX = 64 * 1024;
/** What is merged by time is held in memory. */
const MERGED_LINES_MAX = 50_000;

/** Throws NotFound when no container is meant. */
export async function streamLogs(ports: ServerPorts, request: LogRequest, open: () => JsonLines, signal: AbortSignal): Promise<void> {
  const containers = await choose(ports, request, signal);
  if (containers.length === 0) throw await nothingMeant(ports, request, signal);
  if (request.previous && !containers.some(({ restarts }) => restarts > 0)) throw neverRestarted(request);
  const lines = open();
  if (request.follow) await follow(ports, request, lines, containers, signal);
  else await merge(ports, request, lines, containers, signal);
  lines.end();
}

async function merge(
  ports: ServerPorts,
  request: LogRequest,
  lines: JsonLines,
  containers: readonly Container[],
  signal: AbortSignal,
): Promise<void> {
  const tail = Math.min(request.tail ?? MERGED_LINES_MAX, MERGED_LINES_MAX);
  const all = await Promise.all(
    containers.map(async (container) => {
      const collected: LogLine[] = [];
      if (!request.previous) {
        for await (const line of linesOf(ports, container, { ...request, tail }, signal)) collected.push(line);
        return collected;
      }
      const { tail: _, ...whole } = request;
      for await (const line of linesOf(ports, container, whole, signal)) {
        if (container.startedAt !== undefined && isBefore(line.time, container.startedAt)) collected.push(line);
        if (collected.length > 2 * tail) collected.splice(0, tail);
      }
      return collected.slice(-tail);
    }),
  );
  // Sorted by time, which is text of one form; the order within a container stays.
  for (const line of all.flat().sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0))) {
    lines.write(line);
    await lines.drained();
  }
}

/** RFC 3339 with up to nine digits of a second: as text, once the fractions are of one length. */
function isBefore(time: string, start: string): boolean {
  const padded = (text: string): string => {
    const [second = "", fraction = ""] = text.replace("Z", "").split(".");
    return `${second}.${fraction.padEnd(9, "0")}`;
  };
  return padded(time) < padded(start);
}

/** Until the client goes: an app that is updated or moves goes on under new containers. */
async function follow(
  ports: ServerPorts,
  request: LogRequest,
  lines: JsonLines,
  first: readonly Container[],
  signal: AbortSignal,
): Promise<void> {
  const seen = new Set<string>();
  const copies: Promise<void>[] = [];
  let containers = first;
  let options = request;
  while (!signal.aborted) {
    for (const container of containers) {
      if (seen.has(container.id)) continue;
      seen.add(container.id);
      copies.push(copy(ports, container, options, lines, signal));
    }
    await ports.clock.sleep(LOOK_AGAIN_MS, signal).catch(() => undefined);
    // What is new now is shown from its first line on.
    options = { service: request.service, follow: true, previous: false };
    if (!signal.aborted) containers = await choose(ports, request, signal).catch(() => containers);
  }
  await Promise.allSettled(copies);
}

async function copy(ports: ServerPorts, container: Container, request: LogRequest, lines: JsonLines, signal: AbortSignal): Promise<void> {
  try {
    for await (const line of linesOf(ports, container, request, signal)) {
      lines.write(line);
      await lines.drained();
    }
  } catch (error) {
    if (!signal.aborted) ports.log.warn("Log stream ended early", { container: container.name, error });
  }
}

async function* linesOf(ports: ServerPorts, container: Container, request: LogRequest, signal: AbortSignal): AsyncIterable<LogLine> {
  const { follow, tail, since } = request;
  const options = { follow, timestamps: true, ...(tail !== undefined && { tail }), ...(since !== undefined && { since }) };
  const rests = { stdout: new LineSplitter(), stderr: new LineSplitter() };
  const about = {
    instance: instanceName(container.service, container.instance),
    container: container.container,
    node: ports.identity.node,
  };
  for await (const chunk of ports.containers.logs(container.id, options, signal)) {
    for (const line of rests[chunk.stream].push(chunk.data)) yield { ...about, stream: chunk.stream, ...timeAndText(line) };
  }
  for (const stream of ["stdout", "stderr"] as const satisfies readonly LogChunk["stream"][]) {
    const line = rests[stream].end();
    if (line !== "") yield { ...about, stream, ...timeAndText(line) };
  }
}

/** Cuts bytes into lines, wherever chunks and characters end. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = "";

  push(bytes: Uint8Array): readonly string[] {
    const parts = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split("\n");
    this.#rest = parts.pop() ?? "";
    if (this.#rest.length > LINE_BYTES_MAX) parts.push(this.end());
    return parts.map((part) => part.replace(/\r$/, ""));
  }

  end(): string {
    const rest = this.#rest;
    this.#rest = "";
    return rest;
  }
}

/** Docker writes `2026-11-22T10:00:00.123456789Z text`. */
function timeAndText(line: string): { readonly time: string; readonly text: string } {
  const space = line.indexOf(" ");
  const time = space === -1 ? line : line.slice(0, space);
  return /^\d{4}-\d\d-\d\dT/.test(time) ? { time, text: space === -1 ? "" : line.slice(space + 1) } : { time: "", text: line };
}

async function choose(ports: ServerPorts, request: LogRequest, signal: AbortSignal): Promise<readonly Container[]> {
  if (request.node !== undefined && request.node !== ports.identity.node) return [];
  const containers = await ports.containers.list(request.service, signal);
  return containers
    .filter(
      ({ instance, container }) =>
        (request.instance === undefined || instanceName(request.service, instance) === request.instance) &&
        (request.container === undefined || container === request.container),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
}

function instanceName(service: string, instance: string): string {
  return instance.startsWith(`${service}-`) ? instance : `${service}-${instance}`;
}

function neverRestarted({ service }: LogRequest): ApiError {
  return new ApiError(
    "NotFound",
    `Cannot show earlier logs: no container of "${service}" was restarted since it was made, and what an update replaced took its logs with it.`,
    { next: `fossora logs ${service}` },
  );
}

/** Docker keeps what its own containers printed. */
function elsewhere({ reader, identity }: ServerPorts, service: string, node: string): ApiError {
  if (!reader.desired("Membership", node))
    return new ApiError("NotFound", `Cannot show logs: there is no node "${node}".`, { next: "fossora get nodes" });
  return new ApiError("NotFound", `Cannot show logs: what was printed on ${node} is kept there, and this is ${identity.node}.`, {
    next: `on ${node}: fossora logs ${service}`,
  });
}

async function nothingMeant(ports: ServerPorts, request: LogRequest, signal: AbortSignal): Promise<ApiError> {
  const { service, container } = request;
  if (!ports.reader.desired("Service", service))
    return new ApiError("NotFound", `Cannot show logs: there is no service "${service}".`, { next: "fossora get services" });
  if (request.node !== undefined && request.node !== ports.identity.node) return elsewhere(ports, request.service, request.node);
  const names = [...new Set((await ports.containers.list(service, signal)).map((each) => each.container))];
  if (container !== undefined && names.length > 0) {
    return new ApiError("NotFound", `Cannot show logs: "${service}" has no container "${container}"; it has ${names.join(", ")}.`, {
      next: `fossora logs ${service} -c ${names[0]}`,
    });
  }
  return new ApiError("NotFound", `Cannot show logs: nothing of "${service}" was started on ${ports.identity.node} yet.`, {
    next: `fossora describe service ${service}`,
  });
}
