// The HTTP server that people talk to: listens, asks what shall happen to a request, holds it, tries the backends, shows a page.
import http from "node:http";
import net from "node:net";
import type { Backend, HttpRoute } from "../../api/table.ts";
import type { OwnReason } from "../../api/traffic.ts";
import type { BackendOrder, ExchangeLog, Listen, Listening, Log, TrafficCounter, Ways } from "../../ports.ts";
import { BasicAuth } from "./basic-auth.ts";
import { connectTimeoutMs } from "./connect-time.ts";
import { Connections, refuseWith, type ConnectionLimits } from "./connections.ts";
import { EarlyBytes } from "./early-bytes.ts";
import { Exchanges, type Exchange } from "./exchange.ts";
import { askForwardAuth } from "./forward-auth.ts";
import { createForwarder, type Attempt, type Forwarder, type Outcome } from "./forwarder.ts";
import { overlaid, requestProblem, type Headers } from "./headers.ts";
import { Held } from "./held.ts";
import { answerAsLast, isLast } from "./max-forwards.ts";
import { originForm } from "./origin-form.ts";
import { askedThere } from "./outside.ts";
import { isAskedAgain, isRepeatable, isWorthWaiting } from "./repeatable.ts";
import { showOwn, showPage } from "./show-page.ts";
import { stickyCookie, stickyFirst } from "./sticky.ts";

export interface Page {
  readonly status: number;
  readonly refresh?: number;
  readonly html: string;
  readonly policy: string;
}

export type Decision =
  | { readonly kind: "forward"; readonly route: HttpRoute }
  | { readonly kind: "wait"; readonly route: HttpRoute; readonly page: Page }
  | { readonly kind: "redirect"; readonly route: HttpRoute; readonly status: number; readonly location: string }
  | { readonly kind: "page"; readonly page: Page; readonly reason: OwnReason; readonly route?: HttpRoute };

export interface FrontOptions {
  readonly decide: (asked: { readonly host: string | undefined; readonly target: string; readonly from: string }) => Decision;
  /** This node's name: its own backends are tried first. */
  readonly node: () => string;
  readonly health: BackendOrder;
  readonly ways: Ways;
  readonly traffic: TrafficCounter;
  readonly accessLog: ExchangeLog;
  readonly pages: {
    readonly badRequest: (problem: string) => Page;
    readonly unreachable: (name: string) => Page;
    readonly timedOut: (name: string) => Page;
    readonly tooLarge: () => Page;
    readonly signIn: (name: string) => Page;
    readonly busy: (name: string) => Page;
    readonly noSignIn: (name: string) => Page;
  };
  /** Where an app of the house is reached, by its name. */
  readonly backendsOf: (host: string) => readonly Backend[];
  readonly plainAddress: (address: string) => string;
  readonly log: Log;
  /** Other than the usual, for tests. */
  readonly limits?: Partial<Limits>;
}

interface Limits extends ConnectionLimits {
  /** From the first byte of a connection, or of a further request on it. */
  readonly headMs: number;
  /** Of clients, on one listener. */
  readonly connectionsMax: number;
  /** Until who waits for an app that took no connection knocks again. */
  readonly holdRetryMs: number;
}

const LIMITS: Limits = { headMs: 60_000, bodyIdleMs: 60_000, lingerMs: 30_000, connectionsMax: 8192, holdRetryMs: 250 };
/** A client that lost its power is noticed while nothing is sent to it. */
const PROBE_AFTER_MS = 30_000;
const HELD_MAX = 1000;
const HEADER_BYTES_MAX = 32 * 1024;

export class HttpFront {
  readonly #options: FrontOptions;
  readonly #forwarder: Forwarder;
  readonly #basicAuth = new BasicAuth();
  readonly #held = new Held();
  readonly #exchanges: Exchanges;
  readonly #limits: Limits;
  #isHandedOver = false;

  constructor(options: FrontOptions) {
    this.#options = options;
    this.#forwarder = createForwarder(options.ways);
    this.#exchanges = new Exchanges({ traffic: options.traffic, log: options.accessLog });
    this.#limits = { ...LIMITS, ...options.limits };
  }

  /** Whoever reads the counters wants to see the film that is still running. */
  countBytes(): void {
    this.#exchanges.countBytes();
  }

  get held(): number {
    return this.#held.size;
  }

  /** Instances that are to answer somebody, or do so right now. */
  busy(): readonly string[] {
    return this.#exchanges.busy();
  }

  /** After a new table: whoever is held and has news of its app looks again. */
  changed(routes: readonly HttpRoute[]): void {
    this.#forwarder.keep(routes.flatMap(({ backends }) => backends));
    this.#held.changed();
  }

  /** Another process hears of new tables from now on; the last one of this one stays as it is. */
  handOver(): void {
    this.#isHandedOver = true;
    this.#held.wake();
  }

  readonly listen: Listen = async (address, at) => {
    const connections = new Connections(this.#limits);
    const server = this.#createServer(connections);
    const [fd] = "fds" in at ? at.fds : [];
    await new Promise<void>((done, fail) => {
      server.once("error", fail);
      server.listen(fd === undefined ? { port: "port" in at ? at.port : 0, host: address } : { fd }, () => {
        server.off("error", fail);
        done();
      });
    });
    server.on("error", (error) => this.#options.log.warn("HTTP socket failed", { address, error: error.message }));
    return listening(server, connections);
  };

  #createServer(connections: Connections): http.Server {
    const server = http.createServer({
      requestTimeout: 0, // else an upload ends after five minutes
      headersTimeout: this.#limits.headMs,
      connectionsCheckingInterval: this.#limits.headMs / 2,
      keepAliveTimeout: 65_000,
      maxHeaderSize: HEADER_BYTES_MAX,
      requireHostHeader: false, // every answer is ours, so that we know what is under way
      keepAlive: true,
      keepAliveInitialDelay: PROBE_AFTER_MS,
      shouldUpgradeCallback: (request) => request.method === "GET" && request.headers.upgrade?.toLowerCase() === "websocket",
    });
    server.maxConnections = this.#limits.connectionsMax;
    const onRequest = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
      // Also where it is its turn: in this moment the parser may still find that it is no request.
      await connections.turn(request, response);
      await this.#serve(request, response);
    };
    server.on("request", (request, response) => void onRequest(request, response));
    // The client may go on when it is clear that the app wants its body.
    server.on("checkContinue", (request, response) => void onRequest(request, response));
    server.on("checkExpectation", (request, response) => void onRequest(request, response));
    server.on("upgrade", (request, socket, head) => this.#upgrade(request, { socket: socket as net.Socket, head, connections }));
    server.on("connect", (_request, stream) => {
      const socket = stream as net.Socket;
      // Node takes its own listener away from a connection that it hands over.
      socket.on("error", () => socket.destroy());
      if (!connections.endsBefore(socket)) refuseWith("501 Not Implemented", socket);
    });
    server.on("clientError", (error: NodeJS.ErrnoException, socket) => connections.refuse(error, socket as net.Socket));
    return server;
  }

  /** Until it is a WebSocket it is a request like any other: it may end in a page. */
  #upgrade(request: http.IncomingMessage, { socket, head, connections }: Upgrading): void {
    socket.on("error", () => socket.destroy());
    if (connections.endsBefore(socket)) return;
    const response = new http.ServerResponse(request);
    response.shouldKeepAlive = false;
    response.assignSocket(socket);
    response.once("finish", () => socket.destroySoon());
    void this.#serve(request, response, new EarlyBytes(socket, head));
  }

  async #serve(request: http.IncomingMessage, response: http.ServerResponse, early?: EarlyBytes): Promise<void> {
    response.on("error", () => response.destroy());
    const exchange = this.#exchanges.begin(request, response, early !== undefined);
    try {
      await this.#route(exchange, early);
    } catch (error) {
      this.#options.log.error("Request failed", { error: error instanceof Error ? error.stack : String(error) });
      response.destroy();
    }
  }

  async #route(exchange: Exchange, early?: EarlyBytes): Promise<void> {
    const { request, response } = exchange;
    const target = originForm(request);
    const problem =
      requestProblem(request) ?? (target === undefined ? { status: 400, message: "The target is none of this Host." } : undefined);
    if (problem !== undefined || target === undefined) {
      response.shouldKeepAlive = false;
      const page = this.#options.pages.badRequest(problem?.message ?? "");
      exchange.reason = "badRequest";
      return showPage(request, response, { ...page, status: problem?.status ?? 400 });
    }
    const { remoteAddress } = request.socket;
    // Gone before it was its turn: nobody asks, and whether somebody may is unknown.
    if (remoteAddress === undefined) return void response.destroy();
    const from = this.#options.plainAddress(remoteAddress);
    const look = (): Decision => this.#options.decide({ host: request.headers.host, target, from });
    let admitted: Admitted | undefined;
    for (;;) {
      const decision = look();
      if (decision.route !== undefined) exchange.routed(decision.route);
      if (decision.kind === "page") return showOwn(exchange, decision.page, decision.reason);
      const { route } = decision;
      // Held meanwhile, it may be another route now.
      if (admitted?.route !== route)
        admitted = isOpen(route) ? { route, headers: route.headers?.request } : await this.#admit(exchange, { route, target, from });
      if (admitted === undefined) return undefined;
      if (decision.kind === "redirect") {
        exchange.reason = "redirect";
        return void response.writeHead(decision.status, { Location: decision.location }).end();
      }
      if (isLast(request)) return answerAsLast(exchange);
      if (Number(request.headers["content-length"] ?? 0) > (route.maxBodyBytes ?? Infinity))
        return showOwn(exchange, this.#options.pages.tooLarge(), "tooLarge");
      let page: Page;
      let reason: OwnReason = "waiting";
      if (decision.kind === "forward") {
        const asked = { route, target, from, headers: admitted.headers, early };
        const outcome = await this.#tryBackends(exchange, asked);
        if (outcome.kind === "answered" || outcome.kind === "clientGone") return undefined;
        page = this.#pageFor(outcome, route);
        reason = outcome.kind === "stale" || outcome.kind === "cut" ? "failed" : outcome.kind;
        if (!isWorthWaiting(request, outcome)) return showOwn(exchange, page, reason);
      } else page = decision.page;
      // Where that is now, the other process knows.
      if (this.#isHandedOver && early === undefined && isAskedAgain(request, response)) {
        exchange.reason = reason;
        return void response.destroy();
      }
      const leftMs = route.holdMs - (exchange.lookAtClock() - exchange.beganMs);
      if (leftMs <= 0 || this.#held.size >= HELD_MAX) return showOwn(exchange, page, reason);
      // Without a backend only a new table helps; one that does not answer may be back at any moment.
      await this.#held.wait(response, decision.kind === "wait" ? leftMs : Math.min(leftMs, this.#limits.holdRetryMs), decision, look);
      exchange.lookAtClock();
      if (response.destroyed) return undefined;
    }
  }

  /** Whether who asks may come in; undefined: the answer is given. */
  async #admit(exchange: Exchange, asking: Asking): Promise<Admitted | undefined> {
    const admitted = await this.#ask(exchange, asking);
    exchange.lookAtClock();
    return admitted;
  }

  async #ask(exchange: Exchange, { route, target, from }: Asking): Promise<Admitted | undefined> {
    const { request, response } = exchange;
    const { pages, log } = this.#options;
    let headers: Headers = { ...route.headers?.request };
    if (route.basicAuth !== undefined) {
      const verdict = await this.#basicAuth.check(request.headers.authorization, route.basicAuth);
      if (verdict !== "let in") {
        if (verdict === "refused") response.setHeader("WWW-Authenticate", `Basic realm="${route.name}", charset="UTF-8"`);
        if (verdict === "busy") showOwn(exchange, pages.busy(route.name), "busy");
        else showOwn(exchange, pages.signIn(route.name), "signIn");
        return undefined;
      }
      // It was for us: the app is not told the password.
      headers = { authorization: undefined, ...headers };
    }
    if (route.forwardAuth !== undefined) {
      const verdict = await askForwardAuth(request, route.forwardAuth, {
        target,
        from,
        proto: "http",
        trying: (backend) => (exchange.trying = backend),
        ...this.#options,
      });
      if (verdict.kind === "refused") {
        exchange.reason = "signIn";
        return void response.writeHead(verdict.status, [...verdict.headers]).end(verdict.body);
      }
      if (verdict.kind === "no answer") {
        log.warn("Nobody says who may come in", { route: route.name, url: route.forwardAuth.url, error: verdict.error.message });
        showOwn(exchange, pages.noSignIn(route.name), "noSignIn");
        return undefined;
      }
      headers = overlaid(headers, verdict.headers);
    }
    return { route, headers };
  }

  #pageFor(outcome: Outcome, route: HttpRoute): Page {
    const { pages } = this.#options;
    if (outcome.kind === "timedOut") return pages.timedOut(route.name);
    return outcome.kind === "tooLarge" ? pages.tooLarge() : pages.unreachable(route.name);
  }

  /** The next backend only where nothing was sent, or what may be said twice was lost with its node. */
  async #tryBackends(exchange: Exchange, asked: Asked): Promise<Outcome> {
    const { health, node, ways } = this.#options;
    const { request, response } = exchange;
    const { route } = asked;
    let nowMs = exchange.atMs;
    const inTurn = health.order(route.backends, node(), nowMs);
    const backends = route.sticky === true ? stickyFirst(route, inTurn, request.headers.cookie) : inTurn;
    const repeatable = isRepeatable(request);
    let last: Outcome | undefined;
    for (const [index, backend] of backends.entries()) {
      const isLast = index === backends.length - 1;
      // Nobody may say a second time what must not be done twice, so it is not said where the backend may just have hung up.
      const how = { backend, connectTimeoutMs: connectTimeoutMs(backend, ways, isLast), freshConnection: !repeatable };
      const attempt = attemptOf(request, asked, how);
      exchange.trying = backend;
      last = await this.#forwarder.forward(request, response, attempt);
      // Backends close idle connections; one that did so at this very moment has not seen the request.
      if (last.kind === "stale" && repeatable)
        last = await this.#forwarder.forward(request, response, { ...attempt, freshConnection: true });
      nowMs = exchange.tried(backend, last, nowMs);
      exchange.trying = undefined;
      if (last.kind === "unreachable" || last.kind === "cut") health.unreachable(backend, nowMs);
      if (!isWorthWaiting(request, last)) return last;
    }
    return last ?? { kind: "unreachable", error: new Error("no backend") };
  }
}

function listening(server: http.Server, connections: Connections): Listening {
  return {
    port: (server.address() as net.AddressInfo).port, // a TCP server has no other kind of address
    sockets: [server],
    drain: () =>
      new Promise((done) => {
        connections.last();
        // Not http.Server#close: it ends connections that have not sent their request yet, and idle ones, on which a request may be on
        // its way. Who asks once more is told to connect anew; who does not is let go when its time for that is over.
        net.Server.prototype.close.call(server, () => done());
      }),
  };
}

interface Upgrading {
  readonly socket: net.Socket;
  /** What came after the request's own head. */
  readonly head: Buffer;
  readonly connections: Connections;
}

interface Asking {
  readonly route: HttpRoute;
  readonly target: string;
  readonly from: string;
}

interface Admitted {
  readonly route: HttpRoute;
  /** For the app, in place of the client's own. */
  readonly headers: Headers | undefined;
}

interface Asked extends Asking, Admitted {
  readonly early: EarlyBytes | undefined;
}

function isOpen({ basicAuth, forwardAuth }: HttpRoute): boolean {
  return basicAuth === undefined && forwardAuth === undefined;
}

function attemptOf(
  request: http.IncomingMessage,
  asked: Asked,
  how: Pick<Attempt, "backend" | "connectTimeoutMs" | "freshConnection">,
): Attempt {
  const { route, target, from, headers, early } = asked;
  const { backend, connectTimeoutMs, freshConnection } = how;
  const isTold = route.forwardedHeaders === "standard";
  // Without spreads: they are slow, and this is done at each request.
  return {
    backend,
    connectTimeoutMs,
    freshConnection,
    path: target,
    forwarded: isTold ? { for: from, proto: "http", host: request.headers.host ?? "", port: request.socket.localPort ?? 0 } : undefined,
    responseTimeoutMs: route.responseTimeoutMs,
    maxBodyBytes: route.maxBodyBytes,
    requestHeaders:
      headers === undefined && backend.authority === undefined ? undefined : overlaid(askedThere(request, backend, headers), headers),
    cookie: route.sticky === true ? stickyCookie(route, backend, request.headers.cookie) : undefined,
    responseHeaders: route.headers?.response,
    early,
  };
}
