// One request from its head to its end, as it is counted: which route, which backend, why we answered ourselves, how many bytes.
import type http from "node:http";
import type net from "node:net";
import type { Backend, HttpRoute } from "../../api/table.ts";
import type { OwnReason } from "../../api/traffic.ts";
import type { ExchangeLog, LoggedExchange, TrafficCounter } from "../../ports.ts";
import type { Outcome } from "./forwarder.ts";
import { UnderWay, type Placed } from "./under-way.ts";

/** How far a connection was counted: its requests follow one another, and together they are all of its bytes. */
interface Counted {
  bytesIn: number;
  bytesOut: number;
}

interface Told {
  readonly traffic: TrafficCounter;
  readonly log: ExchangeLog;
}

const counted = new WeakMap<net.Socket, Counted>();

export class Exchange implements LoggedExchange, Placed {
  place = -1;
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  readonly #socket: net.Socket;
  readonly #traffic: TrafficCounter;
  readonly #log: ExchangeLog;
  readonly beganMs = performance.now();
  /** The time when it was last looked at: a look costs more than all the counting. */
  atMs = this.beganMs;
  route: HttpRoute | undefined;
  backend: Backend | undefined;
  /** The one that is tried, until it answers. */
  trying: Backend | undefined;
  reason: OwnReason | undefined;
  firstByteMs: number | undefined;
  bytesIn = 0;
  bytesOut = 0;
  #upgraded: boolean;

  constructor(request: http.IncomingMessage, response: http.ServerResponse, upgrade: boolean, { traffic, log }: Told) {
    this.request = request;
    this.response = response;
    // Node takes it from both when the connection ends.
    this.#socket = request.socket;
    this.#upgraded = upgrade;
    this.#traffic = traffic;
    this.#log = log;
  }

  routed(route: HttpRoute): void {
    if (this.route?.name !== route.name) this.#traffic.began(route, this.route);
    this.route = route;
  }

  lookAtClock(): number {
    this.atMs = performance.now();
    return this.atMs;
  }

  /** Answers the time: when the next try begins. */
  tried(backend: Backend, outcome: Outcome, sinceMs: number): number {
    const nowMs = this.lookAtClock();
    const { route } = this;
    const tookMs = nowMs - sinceMs;
    switch (outcome.kind) {
      case "answered":
        this.backend = backend;
        this.firstByteMs = nowMs - this.beganMs;
        if (route !== undefined) this.#traffic.tried(route, backend, { tookMs }, nowMs);
        return nowMs;
      case "clientGone":
      case "tooLarge":
        return nowMs; // not the backend's doing
      case "timedOut":
        if (route !== undefined) this.#traffic.tried(route, backend, { fault: "timedOut", tookMs }, nowMs);
        return nowMs;
      case "unreachable":
      case "stale":
      case "cut":
      case "failed": {
        const fault = outcome.kind === "unreachable" ? "unreachable" : "failed";
        if (route !== undefined) this.#traffic.tried(route, backend, { fault, error: outcome.error, tookMs }, nowMs);
        return nowMs;
      }
    }
  }

  get status(): number {
    const { response } = this;
    if (response.headersSent) return response.statusCode;
    // Its head went past the response, straight to the connection.
    return this.#upgraded && this.backend !== undefined ? 101 : 0;
  }

  get whole(): boolean {
    return this.response.writableFinished || this.status === 101;
  }

  get tookMs(): number {
    return performance.now() - this.beganMs;
  }

  get asked(): LoggedExchange["asked"] {
    const { method = "", url = "", headers } = this.request;
    return { method, target: url, host: headers.host ?? "", client: this.#socket.remoteAddress ?? "" };
  }

  countBytes(): void {
    const socket = this.#socket;
    let before = counted.get(socket);
    if (before === undefined) counted.set(socket, (before = { bytesIn: 0, bytesOut: 0 }));
    const { bytesRead, bytesWritten } = socket;
    const bytesIn = bytesRead - before.bytesIn;
    const bytesOut = bytesWritten - before.bytesOut;
    this.bytesIn += bytesIn;
    this.bytesOut += bytesOut;
    this.#traffic.moved(this.route, bytesIn, bytesOut);
    before.bytesIn = bytesRead;
    before.bytesOut = bytesWritten;
  }

  end(): void {
    // The last byte may be out before whoever awaits the backend has heard that it answers.
    if (this.status > 0 && this.backend === undefined && this.reason === undefined) return void setImmediate(() => this.#count());
    return this.#count();
  }

  #count(): void {
    if (this.reason === undefined && this.status === 0) this.reason = "clientGone";
    this.countBytes();
    this.#traffic.ended(this, this.atMs);
    this.#log.ended(this);
  }
}

/** All that are under way. */
export class Exchanges {
  readonly #open = new UnderWay<Exchange>();
  readonly #told: Told;

  constructor(told: Told) {
    this.#told = told;
  }

  begin(request: http.IncomingMessage, response: http.ServerResponse, upgrade: boolean): Exchange {
    const exchange = new Exchange(request, response, upgrade, this.#told);
    this.#open.add(exchange);
    // A WebSocket goes on when its response is done with.
    (upgrade ? request.socket : response).once("close", () => {
      this.#open.delete(exchange);
      exchange.end();
    });
    return exchange;
  }

  /** Instances that have something to answer; a WebSocket never ends by itself, and nobody waits for it. */
  busy(): readonly string[] {
    return [...this.#open].flatMap(({ trying, backend = trying, status }) =>
      backend === undefined || backend.instance === "" || status === 101 ? [] : [backend.instance],
    );
  }

  /** Films and WebSockets that are still running are counted as far as they are. */
  countBytes(): void {
    for (const exchange of this.#open) exchange.countBytes();
  }
}
