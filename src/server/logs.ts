// The output of a Service's containers on all nodes of the house as lines: merged by time, or as they come while somebody follows. A node
// that is away keeps its lines to itself: that is said once, and the others go on.
import { LogMerger } from "../api/log-merger.ts";
import { OncePerLine } from "../api/once-per-line.ts";
import type { LogLive, LogNote } from "../api/wire.ts";
import type { NodeName } from "../api/resource.ts";
import { EngineError } from "../api/errors.ts";
import { ApiError } from "./api-error.ts";
import type { JsonLines } from "./http.ts";
import { openLocalLogs, type LogRequest as LocalRequest, type LogSource } from "./local-logs.ts";
import { instancesOf, isDown } from "./instances.ts";
import { openRemoteLogs } from "./member-streams.ts";
import type { ServerPorts } from "./ports.ts";

export interface LogRequest extends LocalRequest {
  /** Only what was printed there. */
  readonly node?: NodeName;
}

/** While somebody follows, nodes that were away are asked again this often, and Down ones are let go. */
const LOOK_AGAIN_MS = 2_000;
/** A node that is slower says nothing. */
const OPEN_WITHIN_MS = 5_000;
/** Where this node alone is asked: longer than its Docker has for an answer. */
const OPEN_ALONE_WITHIN_MS = 30_000;
/** Of one node, while the lines of another one are awaited. */
const WAITING_LINES_MAX = 1_000;
const ROOM_AGAIN_MS = 10;

/** Throws NotFound when no container is meant, Unreachable when those that may be do not answer. */
export async function streamLogs(ports: ServerPorts, request: LogRequest, open: () => JsonLines, signal: AbortSignal): Promise<void> {
  mustExist(ports, request);
  const ended = new AbortController();
  const logs = new HouseLogs(ports, request, AbortSignal.any([signal, ended.signal]));
  try {
    await logs.run(open);
  } finally {
    ended.abort(new Error("The log was told"));
  }
}

class HouseLogs {
  readonly #ports: ServerPorts;
  readonly #request: LogRequest;
  readonly #signal: AbortSignal;
  readonly #merger = new LogMerger();
  /** Nodes whose lines come right now, and how to let go of each. */
  readonly #open = new Map<NodeName, AbortController>();
  /** Nodes of which it was said that they are away. */
  readonly #missing = new Map<NodeName, string>();
  readonly #told = new OncePerLine();
  readonly #copies = new Set<Promise<void>>();
  #lines: JsonLines | undefined;
  #wake: (() => void) | undefined;
  /** Of this node's own containers. */
  #failure: Error | undefined;

  constructor(ports: ServerPorts, request: LogRequest, signal: AbortSignal) {
    this.#ports = ports;
    this.#request = request;
    this.#signal = signal;
  }

  async run(open: () => JsonLines): Promise<void> {
    const asked = this.#nodes();
    const sources = await Promise.all(asked.map(async (node) => [node, await this.#ask(node)] as const));
    const found = sources.flatMap(([node, source]) => (source === undefined ? [] : [[node, source] as const]));
    this.#judge(found.map(([, source]) => source));
    this.#lines = open();
    for (const [node, why] of this.#missing) this.#note(`${node} ${why}: its lines are missing`);
    for (const [node, source] of found) this.#begin(node, source);
    const looking = this.#request.follow ? this.#lookAgain() : Promise.resolve();
    await this.#tell(looking);
    this.#lines.end();
  }

  /** All that may have something to show, this one first. */
  #nodes(): readonly NodeName[] {
    const { identity, peers } = this.#ports;
    return [identity.node, ...peers.names()].filter((node) => this.#request.node === undefined || node === this.#request.node);
  }

  /** Undefined: it does not answer, which is remembered where it is of interest. */
  async #ask(node: NodeName): Promise<LogSource | undefined> {
    const request = this.#requestTo(node);
    const hold = new AbortController();
    const signal = AbortSignal.any([this.#signal, hold.signal]);
    this.#open.set(node, hold);
    const isOwn = node === this.#ports.identity.node;
    const withinMs = isOwn && this.#nodes().length === 1 ? OPEN_ALONE_WITHIN_MS : OPEN_WITHIN_MS;
    const late = this.#ports.clock.timer(withinMs, () => hold.abort(new Error("it does not answer")));
    try {
      if (isOwn) return await openLocalLogs(this.#ports, request, signal);
      if (!isDown(this.#ports, node)) return await openRemoteLogs(this.#ports.peers, node, request, signal);
    } catch (error) {
      this.#ports.log.debug("A node's logs are out of reach", { node, error: String(error) });
    } finally {
      late();
    }
    this.#open.delete(node);
    if (this.#mayHave(node)) this.#missing.set(node, this.#whyMissing(node));
    return undefined;
  }

  /** Reads on from its name. */
  #whyMissing(node: NodeName): string {
    if (node === this.#ports.identity.node) return "has no answer from its Docker";
    return isDown(this.#ports, node) ? "is down" : "does not answer";
  }

  /** Of one whose lines were told, what came since. */
  #requestTo(node: NodeName): LocalRequest {
    const { node: _, ...request } = this.#request;
    const since = this.#told.again(node);
    if (since === undefined) return request;
    const { tail: _tail, ...whole } = request;
    return { ...whole, since };
  }

  /** It runs, or ran a moment ago, an instance that is meant. */
  #mayHave(node: NodeName): boolean {
    const { service, instance, node: only } = this.#request;
    return only === node || instancesOf(this.#ports, service).some((each) => each.node === node && (instance ?? each.name) === each.name);
  }

  /** Throws where there is nothing to show. */
  #judge(sources: readonly LogSource[]): void {
    const meant = sources.reduce((sum, { head }) => sum + head.meant, 0);
    const restarted = sources.reduce((sum, { head }) => sum + head.restarted, 0);
    if (meant > 0 && (restarted > 0 || !this.#request.previous)) return;
    if (this.#missing.size > 0) throw outOfReach(this.#request, this.#missing);
    if (meant > 0) throw neverRestarted(this.#request);
    throw nothingMeant(this.#ports, this.#request, [...new Set(sources.flatMap(({ head }) => head.containers))]);
  }

  #begin(node: NodeName, source: LogSource): void {
    this.#merger.add(node);
    const copy = this.#copy(node, source).finally(() => {
      this.#copies.delete(copy);
      this.#stir();
    });
    this.#copies.add(copy);
  }

  async #copy(node: NodeName, { items }: LogSource): Promise<void> {
    const { clock, identity } = this.#ports;
    try {
      for await (const item of items) {
        if ("live" in item) this.#merger.live(node);
        else if ("note" in item) this.#note(item.note);
        else if (this.#told.isNew(item)) this.#merger.push(node, item, clock.now());
        this.#stir();
        while (this.#merger.waiting(node) > WAITING_LINES_MAX) await clock.sleep(ROOM_AGAIN_MS, this.#signal);
      }
      if (this.#request.follow && !this.#signal.aborted) this.#lost(node);
    } catch (error) {
      if (this.#signal.aborted) return;
      const isSilent = error instanceof EngineError && error.fault === "unavailable" && this.#nodes().length > 1;
      if (node !== identity.node || isSilent) this.#lost(node);
      else this.#failure = error as Error; // nothing else is thrown there
    } finally {
      this.#merger.end(node);
      this.#open.delete(node);
    }
  }

  #lost(node: NodeName): void {
    this.#missing.set(node, this.#whyMissing(node));
    this.#note(`${node} ${this.#missing.get(node)}: its lines are missing${this.#request.follow ? " until it is back" : ""}`);
  }

  /** Until the signal: nodes come back, or are known to be lost, or are new in the house. */
  async #lookAgain(): Promise<void> {
    const { clock } = this.#ports;
    while (!this.#signal.aborted) {
      await clock.sleep(LOOK_AGAIN_MS, this.#signal).catch(() => undefined);
      if (this.#signal.aborted) return;
      for (const [node, hold] of this.#open)
        if (node !== this.#ports.identity.node && isDown(this.#ports, node)) hold.abort(new Error("it is down"));
      await Promise.all(this.#nodes().map((node) => this.#askAgain(node)));
    }
  }

  async #askAgain(node: NodeName): Promise<void> {
    if (this.#open.has(node)) return;
    const wasMissing = this.#missing.get(node);
    this.#missing.delete(node);
    const source = await this.#ask(node);
    if (source === undefined) {
      const isNews = wasMissing === undefined && this.#missing.has(node);
      if (wasMissing !== undefined) this.#missing.set(node, wasMissing);
      if (isNews) this.#note(`${node} ${this.#missing.get(node)}: its lines are missing until it is back`);
      return;
    }
    if (wasMissing !== undefined) this.#note(`${node} is back`);
    this.#begin(node, source);
  }

  /** Writes what the merger lets go, until all sources have ended and nobody looks for more. */
  async #tell(looking: Promise<void>): Promise<void> {
    const { clock } = this.#ports;
    let [isLooking, isLive] = [true, !this.#request.follow];
    void looking.finally(() => {
      isLooking = false;
      this.#stir();
    });
    for (;;) {
      const stirred = new Promise<void>((resolve) => (this.#wake = resolve));
      const { lines, againInMs } = this.#merger.take(clock.now());
      for (const line of lines) {
        this.#lines?.write(line);
        await this.#lines?.drained();
      }
      if (this.#failure !== undefined) throw this.#failure;
      if (this.#copies.size === 0 && !isLooking && lines.length === 0) return;
      if (lines.length > 0) continue;
      if (!isLive && againInMs === undefined && this.#merger.isLive) {
        isLive = true;
        this.#lines?.write({ type: "LIVE" } satisfies LogLive);
      }
      if (againInMs === undefined) await stirred;
      else await Promise.race([stirred, clock.sleep(againInMs, this.#signal).catch(() => undefined)]);
    }
  }

  #note(message: string): void {
    this.#lines?.write({ type: "NOTE", message } satisfies LogNote);
  }

  #stir(): void {
    this.#wake?.();
  }
}

function mustExist(ports: ServerPorts, { service, node }: LogRequest): void {
  if (!ports.reader.desired("Service", service))
    throw new ApiError("NotFound", `Cannot show logs: there is no service "${service}".`, { next: "fossora get services" });
  if (node === undefined || node === ports.identity.node || ports.peers.names().includes(node)) return;
  // Its Membership may be applied before it ever comes.
  const why =
    ports.reader.desired("Membership", node) === undefined ? `there is no node "${node}"` : `${node} has not joined the house yet`;
  throw new ApiError("NotFound", `Cannot show logs: ${why}.`, { next: "fossora get nodes" });
}

function outOfReach({ service }: LogRequest, missing: ReadonlyMap<NodeName, string>): ApiError {
  const nodes = [...missing].map(([node, why]) => `${node} ${why}`).join(", ");
  return new ApiError("Unreachable", `Cannot show logs: what "${service}" printed is kept where it ran, and ${nodes}.`, {
    next: "fossora get nodes",
  });
}

function neverRestarted({ service }: LogRequest): ApiError {
  return new ApiError(
    "NotFound",
    `Cannot show earlier logs: no container of "${service}" was restarted since it was made, and what an update replaced took its logs with it.`,
    { next: `fossora logs ${service}` },
  );
}

function nothingMeant({ identity, peers }: ServerPorts, request: LogRequest, containers: readonly string[]): ApiError {
  const { service, container, node } = request;
  if (container !== undefined && containers.length > 0) {
    return new ApiError("NotFound", `Cannot show logs: "${service}" has no container "${container}"; it has ${containers.join(", ")}.`, {
      next: `fossora logs ${service} -c ${containers[0]}`,
    });
  }
  const where = node ?? (peers.names().length === 0 ? identity.node : "any node");
  return new ApiError("NotFound", `Cannot show logs: nothing of "${service}" was started on ${where} yet.`, {
    next: `fossora describe service ${service}`,
  });
}
