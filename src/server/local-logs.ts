// What this node's own containers of a Service have printed, and print: first what was, in order of time, then what comes.
import { once } from "node:events";
import { PassThrough } from "node:stream";
import type { Container, LogChunk } from "../container-ports.ts";
import type { LogLine } from "../api/wire.ts";
import { isEarlier } from "../api/log-merger.ts";
import type { ServerPorts } from "./ports.ts";

export interface LogRequest {
  readonly service: string;
  readonly instance?: string;
  readonly container?: string;
  readonly follow: boolean;
  /** Only what was printed before the last start: a container that Docker restarts goes on in the same log. */
  readonly previous: boolean;
  readonly tail?: number;
  /** Unix seconds. */
  readonly since?: number;
}

/** `live`: all that was printed before has been told. `note`: what is not told, and why. */
export type LogItem = LogLine | { readonly live: true } | { readonly note: string };

/** One node's part in a log. */
export interface LogSource {
  readonly head: LogHead;
  readonly items: AsyncIterable<LogItem>;
}

export interface LogHead {
  /** Of the Service, whatever was asked for. */
  readonly containers: readonly string[];
  /** How many are meant, and how many of these Docker has restarted. */
  readonly meant: number;
  readonly restarted: number;
}

export type LogPorts = Pick<ServerPorts, "containers" | "identity" | "clock" | "log">;

/** Of one container's lines, as they come. Docker ends it whenever the container ends. */
interface Copy {
  /** Of the container, when it was begun. */
  readonly startedAt: string | undefined;
  /** From where on, as long as nothing was told. */
  readonly since: number | undefined;
  readonly ended: Promise<void>;
  isOpen: boolean;
}

/** While somebody follows, containers made or started again since then are looked for this often. */
const LOOK_AGAIN_MS = 2_000;
/** A line longer than this is cut: a container that never ends its line must not fill our memory. */
const LINE_BYTES_MAX = 64 * 1024;
/** Longer than what Docker writes of a time. */
const TIME_BYTES_MAX = 64;
/** What is merged by time is held in memory; of each container the last lines. */
const MERGED_LINES_MAX = 50_000;
const LIVE_LINES_WAITING_MAX = 256;

export async function openLocalLogs(ports: LogPorts, request: LogRequest, signal: AbortSignal): Promise<LogSource> {
  const all = await ports.containers.list(request.service, signal);
  const meant = all.filter((each) => isMeant(each, request)).sort((a, b) => (a.name < b.name ? -1 : 1));
  const head: LogHead = {
    containers: [...new Set(all.map(({ container }) => container))],
    meant: meant.length,
    restarted: meant.filter(({ restarts }) => restarts > 0).length,
  };
  return { head, items: new LocalLogs(ports, request, signal).items(meant) };
}

/** `jellyfin-k3f9`, whichever way it was written. */
export function instanceName(service: string, instance: string): string {
  return instance.startsWith(`${service}-`) ? instance : `${service}-${instance}`;
}

function isMeant({ instance, container }: Container, request: LogRequest): boolean {
  return (
    (request.instance === undefined || instanceName(request.service, instance) === request.instance) &&
    (request.container === undefined || container === request.container)
  );
}

/** It prints, or has printed since that copy ended: one that has ended is not read again and again. */
function hasMore({ state, startedAt }: Container, { isOpen, ...former }: Copy): boolean {
  return !isOpen && (state === "running" || startedAt !== former.startedAt);
}

class LocalLogs {
  readonly #ports: LogPorts;
  readonly #request: LogRequest;
  readonly #signal: AbortSignal;
  /** Of each container: what comes twice is told once. */
  readonly #lastTimes = new Map<string, string>();

  constructor(ports: LogPorts, request: LogRequest, signal: AbortSignal) {
    this.#ports = ports;
    this.#request = request;
    this.#signal = signal;
  }

  async *items(containers: readonly Container[]): AsyncIterable<LogItem> {
    const beganSeconds = Math.floor(Date.parse(this.#ports.clock.wall()) / 1000);
    const { notes, lines } = await this.#before(containers);
    for (const note of notes) yield { note };
    yield* lines;
    if (!this.#request.follow) return;
    yield { live: true };
    yield* this.#live(containers, beganSeconds);
  }

  /** Sorted by time; the order within a container stays. */
  async #before(containers: readonly Container[]): Promise<{ readonly notes: readonly string[]; readonly lines: readonly LogLine[] }> {
    const all = await Promise.all(containers.map((container) => this.#printed(container)));
    const notes: string[] = [];
    for (const [index, { id, name }] of containers.entries()) {
      const last = all[index]?.lines.at(-1);
      if (last !== undefined) this.#lastTimes.set(id, last.time);
      if (all[index]?.isCut)
        notes.push(`of ${name} on ${this.#ports.identity.node} the last ${MERGED_LINES_MAX} lines are shown: it printed more`);
    }
    const lines = all.flatMap((each) => each.lines).sort((a, b) => (isEarlier(a.time, b.time) ? -1 : isEarlier(b.time, a.time) ? 1 : 0));
    return { notes, lines };
  }

  /** `isCut`: more was asked for than is held in memory, and is there. */
  async #printed(container: Container): Promise<{ readonly lines: readonly LogLine[]; readonly isCut: boolean }> {
    const { previous, since } = this.#request;
    const wanted = Math.min(this.#request.tail ?? Infinity, MERGED_LINES_MAX + 1);
    const tail = Math.min(wanted, MERGED_LINES_MAX);
    const collected: LogLine[] = [];
    const options = { follow: false, ...(since !== undefined && { since }), ...(!previous && { tail: wanted }) };
    for await (const line of this.#linesOf(container, options)) {
      if (previous && !(container.startedAt !== undefined && isEarlier(line.time, container.startedAt))) continue;
      collected.push(line);
      if (previous && collected.length > 2 * tail) collected.splice(0, tail);
    }
    return { lines: tail === 0 ? [] : collected.slice(-tail), isCut: wanted > tail && collected.length > tail };
  }

  /** Until the signal: an app that is updated or moves goes on under new containers. */
  async *#live(first: readonly Container[], beganSeconds: number): AsyncIterable<LogItem> {
    const out = new PassThrough({ objectMode: true, highWaterMark: LIVE_LINES_WAITING_MAX });
    const end = (): void => void out.destroy();
    this.#signal.addEventListener("abort", end, { once: true });
    const looking = this.#copyAll(first, beganSeconds, out);
    try {
      yield* out as AsyncIterable<LogLine>; // nothing else is written to it
    } catch (error) {
      if (!this.#signal.aborted) throw error;
    } finally {
      this.#signal.removeEventListener("abort", end);
      out.destroy();
      await looking;
    }
  }

  async #copyAll(first: readonly Container[], beganSeconds: number, out: PassThrough): Promise<void> {
    const { containers: engine, clock } = this.#ports;
    const ended = new AbortController();
    out.once("close", () => ended.abort(new Error("nobody follows any more")));
    const copies = new Map<string, Copy>();
    let containers = first;
    // What is made later is shown from its first line on.
    let since: number | undefined = beganSeconds;
    while (!ended.signal.aborted) {
      for (const container of containers) {
        const former = copies.get(container.id);
        if (former !== undefined && !hasMore(container, former)) continue;
        copies.set(container.id, this.#begin(container, former === undefined ? since : former.since, out, ended.signal));
      }
      await clock.sleep(LOOK_AGAIN_MS, ended.signal).catch(() => undefined);
      since = undefined;
      if (ended.signal.aborted) break;
      const all = await engine.list(this.#request.service, ended.signal).catch(() => []);
      containers = all.filter((each) => isMeant(each, this.#request));
    }
    await Promise.allSettled([...copies.values()].map((copy) => copy.ended));
  }

  #begin(container: Container, since: number | undefined, out: PassThrough, signal: AbortSignal): Copy {
    const ended = this.#copy(container, since, out, signal).finally(() => (copy.isOpen = false));
    const copy: Copy = { startedAt: container.startedAt, since, ended, isOpen: true };
    return copy;
  }

  async #copy(container: Container, since: number | undefined, out: PassThrough, signal: AbortSignal): Promise<void> {
    const { id, name } = container;
    const told = this.#lastTimes.get(id);
    const from = told === undefined ? since : Math.floor(Date.parse(told) / 1000);
    let [last, isNew] = [told ?? "", true];
    try {
      for await (const line of this.#linesOf(container, { follow: true, ...(from !== undefined && { since: from }) }, signal)) {
        // What has no time goes on with the line before it.
        if (line.time !== "") isNew = told === undefined || isEarlier(told, line.time);
        if (!isNew) continue;
        if (!out.write(line)) await once(out, "drain", { signal });
        if (isEarlier(last, line.time)) this.#lastTimes.set(id, (last = line.time));
      }
    } catch (error) {
      if (!signal.aborted) this.#ports.log.warn("Log stream ended early", { container: name, error });
    }
  }

  async *#linesOf(
    container: Container,
    options: { readonly follow: boolean; readonly tail?: number; readonly since?: number },
    signal = this.#signal,
  ): AsyncIterable<LogLine> {
    const rests = { stdout: new LineSplitter(), stderr: new LineSplitter() };
    const about = {
      instance: instanceName(container.service, container.instance),
      container: container.container,
      node: this.#ports.identity.node,
    };
    for await (const chunk of this.#ports.containers.logs(container.id, { timestamps: true, ...options }, signal)) {
      for (const line of rests[chunk.stream].push(chunk.data, chunk.begins)) yield { ...about, stream: chunk.stream, ...timeAndText(line) };
    }
    for (const stream of ["stdout", "stderr"] as const satisfies readonly LogChunk["stream"][]) {
      const line = rests[stream].end();
      if (line !== "") yield { ...about, stream, ...timeAndText(line) };
    }
  }
}
/** Cuts bytes into lines, wherever chunks and characters end. */
export class LineSplitter {
  readonly #decoder = new TextDecoder();
  #rest = "";
  /** Of a piece that goes on with a line: its first bytes, until its time is whole. */
  #head: Uint8Array | undefined;

  /** `begins`: with a time, which is none of the text where a line goes on. Docker keeps a long one in pieces of 16 KiB. */
  push(bytes: Uint8Array, begins = false): readonly string[] {
    if (begins) this.#head = this.#rest === "" ? undefined : new Uint8Array();
    if (this.#head === undefined) return this.#cut(bytes);
    const head = Buffer.concat([this.#head, bytes]);
    const space = head.indexOf(" ");
    this.#head = space === -1 && head.length < TIME_BYTES_MAX ? head : undefined;
    if (this.#head !== undefined) return [];
    return this.#cut(isTime(head.toString("latin1", 0, Math.max(space, 0))) ? head.subarray(space + 1) : head);
  }

  #cut(bytes: Uint8Array): readonly string[] {
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
  return isTime(time) ? { time, text: space === -1 ? "" : line.slice(space + 1) } : { time: "", text: line };
}

function isTime(text: string): boolean {
  return /^\d{4}-\d\d-\d\dT/.test(text);
}
