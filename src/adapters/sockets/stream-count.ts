// One raw TCP connection as it is counted, from the moment that it has found its route.
import type net from "node:net";
import type { Backend, StreamRoute } from "../../api/table.ts";
import type { OwnReason } from "../../api/traffic.ts";
import type { TrafficCounter } from "../../ports.ts";

class StreamCount {
  readonly #client: net.Socket;
  readonly #traffic: TrafficCounter;
  #route: StreamRoute | undefined;
  #backend: Backend | undefined;
  #bytesIn = 0;
  #bytesOut = 0;
  /** Why nobody has it. */
  reason: OwnReason | undefined;

  constructor(client: net.Socket, traffic: TrafficCounter) {
    this.#client = client;
    this.#traffic = traffic;
  }

  routed(route: StreamRoute): void {
    if (this.#route?.name !== route.name) this.#traffic.began(route, this.#route);
    this.#route = route;
  }

  tried(backend: Backend, problem: Error | undefined, sinceMs: number): void {
    if (this.#route === undefined) return;
    const nowMs = performance.now();
    const tookMs = nowMs - sinceMs;
    if (problem === undefined) this.#backend = backend;
    this.#traffic.tried(this.#route, backend, problem === undefined ? { tookMs } : { fault: "unreachable", error: problem, tookMs }, nowMs);
  }

  countBytes(): void {
    const { bytesRead, bytesWritten } = this.#client;
    if (this.#route !== undefined) this.#traffic.moved(this.#route, bytesRead - this.#bytesIn, bytesWritten - this.#bytesOut);
    this.#bytesIn = bytesRead;
    this.#bytesOut = bytesWritten;
  }

  end(): void {
    const route = this.#route;
    if (route === undefined) return;
    this.countBytes();
    const taken = this.#backend !== undefined;
    const reason = taken ? undefined : (this.reason ?? "clientGone");
    const ended = { route, backend: this.#backend, reason, status: taken ? 200 : 0, firstByteMs: undefined, whole: true };
    this.#traffic.ended(ended, performance.now());
  }
}

export type { StreamCount };

/** All that are open. */
export class StreamCounts {
  readonly #open = new Set<StreamCount>();
  readonly #traffic: TrafficCounter;

  constructor(traffic: TrafficCounter) {
    this.#traffic = traffic;
  }

  begin(client: net.Socket): StreamCount {
    const count = new StreamCount(client, this.#traffic);
    this.#open.add(count);
    client.once("close", () => {
      this.#open.delete(count);
      count.end();
    });
    return count;
  }

  /** A connection may go on for days: it is counted as far as it is. */
  countBytes(): void {
    for (const count of this.#open) count.countBytes();
  }
}
