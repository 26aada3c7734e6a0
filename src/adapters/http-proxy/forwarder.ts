// http-proxy behind its wrapper: the one place that knows the package. Its own passes leak, hang and smuggle, so ours stand before
// them and end the chain; what is left of it is its interface.
import http from "node:http";
import https from "node:https";
import type net from "node:net";
import httpProxy from "http-proxy";
import type { Backend } from "../../api/table.ts";
import type { Ways } from "../../ports.ts";
import { passBody } from "./answer-body.ts";
import {
  endsWithConnection,
  requestHeaders,
  responseHeaders,
  responseProblem,
  upgradeHeaders,
  type Forwarded,
  type Headers,
} from "./headers.ts";
import { sentHere } from "./outside.ts";
import { tieSockets } from "./tie-sockets.ts";
import { WayAgent, type WayRequest } from "./way-agent.ts";

export interface Attempt {
  readonly backend: Backend;
  /** Path and query as they go on. */
  readonly path: string;
  readonly connectTimeoutMs: number;
  /** Until the head of the answer. */
  readonly responseTimeoutMs: number | undefined;
  readonly maxBodyBytes: number | undefined;
  readonly forwarded: Forwarded | undefined;
  readonly requestHeaders: Headers | undefined;
  readonly responseHeaders: Headers | undefined;
  /** Set beside the cookies of the app. */
  readonly cookie: string | undefined;
  /** Not one of the connections that are kept open. */
  readonly freshConnection: boolean;
  /** First bytes after the head of an upgrade; absent: a plain request. */
  readonly upgradeHead: Buffer | undefined;
}

export type Outcome =
  /** The head of the answer is on its way, and the rest follows by itself. */
  | { readonly kind: "answered" }
  /** No byte was sent. */
  | { readonly kind: "unreachable"; readonly error: Error }
  /** A kept-open connection was closed by the backend before it answered. */
  | { readonly kind: "stale"; readonly error: Error }
  /** It may have reached the app, and there is no answer. */
  | { readonly kind: "failed"; readonly error: Error }
  | { readonly kind: "timedOut" }
  | { readonly kind: "tooLarge" }
  /** The client did not wait. */
  | { readonly kind: "clientGone" };

export interface Forwarder {
  forward(request: http.IncomingMessage, response: http.ServerResponse, attempt: Attempt): Promise<Outcome>;
}

/** Idle upstream connections; a backend that says less in `Keep-Alive` is heeded by Node. */
const IDLE_MS = 60_000;

/** Of an answer's head: cookies and policies of apps are long. */
const HEADER_BYTES_MAX = 64 * 1024;
/** Interim answers (103) before the one that counts. */
const INTERIM_MAX = 20;

interface PassOptions extends httpProxy.ServerOptions {
  readonly attempt: Attempt;
  readonly settle: (outcome: Outcome) => void;
}

export function createForwarder(ways: Ways): Forwarder {
  // The package calls util._extend and url.parse at its first request; nobody who reads our logs can do anything about it.
  process.noDeprecation = true;
  // No maxSockets: the 257th long poll would wait for ever.
  const agents: Agents = {
    http: new http.Agent({ keepAlive: true, timeout: IDLE_MS }),
    https: new https.Agent({ keepAlive: true, timeout: IDLE_MS }),
    way: new WayAgent(ways, { keepAlive: true, timeout: IDLE_MS }),
    freshWay: new WayAgent(ways, { keepAlive: false }),
    isElsewhere: (backend) => ways.isElsewhere(backend),
  };
  // Its types leave `before` out.
  const proxy = httpProxy.createProxyServer() as httpProxy & { before(type: "web" | "ws", name: string, run: typeof pass): void };
  // Before `deleteLength`: that pass lets a chunked DELETE smuggle a second request (CVE-2026-29057).
  proxy.before("web", "deleteLength", pass);
  proxy.before("ws", "checkMethodAndHeader", pass);

  /** True: no further pass. http-proxy hands back the options that it was given. */
  function pass(request: http.IncomingMessage, client: http.ServerResponse | net.Socket, options: httpProxy.ServerOptions): boolean {
    const { attempt, settle } = options as PassOptions;
    send({ request, client: client as http.ServerResponse, attempt, agents, settle });
    return true;
  }

  return {
    forward(request, response, attempt) {
      return new Promise((settle) => {
        const options: PassOptions = { target: { host: attempt.backend.host, port: attempt.backend.port }, attempt, settle };
        try {
          if (attempt.upgradeHead === undefined) proxy.web(request, response, options);
          else proxy.ws(request, response, attempt.upgradeHead, options);
        } catch (error) {
          // Node's client refuses some paths and headers that its server took.
          settle({ kind: "failed", error: error as Error });
        }
      });
    },
  };
}

interface Agents {
  readonly http: http.Agent;
  readonly https: https.Agent;
  /** To instances of other nodes. */
  readonly way: WayAgent;
  readonly freshWay: WayAgent;
  readonly isElsewhere: (backend: Backend) => boolean;
}

interface Sending {
  readonly request: http.IncomingMessage;
  readonly client: http.ServerResponse;
  readonly attempt: Attempt;
  readonly agents: Agents;
  readonly settle: (outcome: Outcome) => void;
}

function send(sending: Sending): void {
  const { request, client, attempt, agents, settle } = sending;
  // It left while somebody else was waited for: nobody would tell the backend later.
  if (client.destroyed) return settle({ kind: "clientGone" });
  const upstream = open(request, attempt, agents);
  const timers = startTimers(upstream, attempt);
  let answered = false;
  let openEnded: http.IncomingMessage | undefined;

  upstream.on("error", (error) => {
    timers.stop();
    // A body that the app no longer takes: whether its answer is whole, the answer itself tells, unless it lasts until the connection ends.
    if (answered) return openEnded?.readableEnded === false ? void client.destroy() : undefined;
    if (client.destroyed) return settle({ kind: "clientGone" });
    return settle(outcomeOf(error, { connected: timers.connected(), reused: upstream.reusedSocket }));
  });
  let interim = 0;
  upstream.on("information", (information) => {
    const { statusCode, rawHeaders, headers } = information;
    interim += 1;
    const problem = interim > INTERIM_MAX ? "interim answers without end" : responseProblem(information);
    if (problem !== undefined) upstream.destroy(new Error(problem));
    // 100 was for us. Where there was no time to hear of a client that is gone, or of one too old, nothing is said.
    else if (statusCode !== 100 && request.httpVersion !== "1.0" && !client.headersSent)
      client.writeInformation(statusCode, responseHeaders({ rawHeaders, headers }, undefined));
  });
  upstream.on("response", (response) => {
    if (upstream.destroyed) return; // it came in one piece with what it was destroyed for
    timers.stop();
    const outcome = answer(sending, upstream, response);
    answered = outcome.kind === "answered";
    if (endsWithConnection(request, response)) openEnded = response;
    settle(outcome);
  });
  upstream.on("upgrade", (response: http.IncomingMessage, socket: net.Socket, head: Buffer) => {
    timers.stop();
    const outcome = upgrade(client, { response, socket, head }, attempt);
    answered = outcome.kind === "answered";
    settle(outcome);
  });
  // Whoever does not wait must not keep the backend busy: a film that nobody watches, an endless stream.
  const onClientClose = (): void => {
    if (!(client.writableFinished && upstream.writableFinished)) upstream.destroy();
  };
  client.on("close", onClientClose);
  upstream.on("close", () => {
    client.off("close", onClientClose);
    // It answered early, or is gone: what the client still sends must not stand in the way of its next request.
    request.unpipe(upstream);
    request.resume();
  });

  if (attempt.upgradeHead !== undefined || !hasMore(request)) upstream.end();
  else {
    if (attempt.responseTimeoutMs !== undefined) request.on("data", timers.again);
    if (attempt.maxBodyBytes !== undefined) countBody(request, upstream, attempt.maxBodyBytes);
    request.pipe(upstream);
    // The app may want to answer before the first byte of the body; where that is here already, head and body go together.
    setImmediate(() => {
      if (!request.readableDidRead && !upstream.destroyed) upstream.flushHeaders();
    });
  }
}

/** Why we ended an attempt ourselves; anything else came from the backend. */
class TimedOut extends Error {}
class TooLarge extends Error {}

function outcomeOf(error: Error, { connected, reused }: { readonly connected: boolean; readonly reused: boolean }): Outcome {
  if (error instanceof TooLarge) return { kind: "tooLarge" };
  if (!connected) return { kind: "unreachable", error };
  if (error instanceof TimedOut) return { kind: "timedOut" };
  return { kind: reused ? "stale" : "failed", error };
}

function countBody(request: http.IncomingMessage, upstream: http.ClientRequest, bytesMax: number): void {
  let bytes = 0;
  request.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > bytesMax) upstream.destroy(new TooLarge());
  });
}

function hasMore(request: http.IncomingMessage): boolean {
  return request.headers["transfer-encoding"] !== undefined || request.headers["content-length"] !== undefined;
}

function open(request: http.IncomingMessage, attempt: Attempt, agents: Agents): http.ClientRequest {
  const { backend } = attempt;
  const upgrade = attempt.upgradeHead !== undefined;
  const options = {
    host: backend.host,
    port: backend.port,
    method: request.method ?? "GET",
    path: attempt.path,
    headers: requestHeaders(request, { upgrade, forwarded: attempt.forwarded, set: attempt.requestHeaders }),
    maxHeaderSize: HEADER_BYTES_MAX,
    agent: upgrade || attempt.freshConnection ? false : backend.tls === undefined ? agents.http : agents.https,
  };
  if (agents.isElsewhere(backend)) {
    const agent = upgrade || attempt.freshConnection ? agents.freshWay : agents.way;
    const way: WayRequest = { ...options, agent, backend, connectTimeoutMs: attempt.connectTimeoutMs };
    return http.request(way);
  }
  if (backend.tls === undefined) return http.request(options);
  return https.request({ ...options, rejectUnauthorized: backend.tls === "verify" });
}

interface Timers {
  connected(): boolean;
  /** The time for an answer begins anew: more of the body has come. */
  readonly again: () => void;
  stop(): void;
}

/** None on a connection that was kept open, unless the route has a limit: they are most, and a timer costs each. */
function startTimers(upstream: http.ClientRequest, attempt: Attempt): Timers {
  let connected = false;
  let timer: NodeJS.Timeout | undefined;
  const { connectTimeoutMs, responseTimeoutMs } = attempt;
  const onConnect = (): void => {
    connected = true;
    clearTimeout(timer);
    if (responseTimeoutMs !== undefined) timer = setTimeout(() => upstream.destroy(new TimedOut()), responseTimeoutMs);
  };
  upstream.on("socket", (socket) => {
    if (upstream.reusedSocket || !socket.connecting) return onConnect();
    timer = setTimeout(() => upstream.destroy(new Error(`no connection within ${connectTimeoutMs} ms`)), connectTimeoutMs);
    return void socket.once(attempt.backend.tls === undefined ? "connect" : "secureConnect", onConnect);
  });
  return {
    connected: () => connected,
    again: () => {
      if (connected) timer?.refresh();
    },
    stop: () => {
      clearTimeout(timer);
      timer = undefined; // a cleared one that is refreshed runs again
    },
  };
}

/** Passes head and body on; from here on nothing can be mended, only cut off. */
function answer({ client, attempt }: Sending, upstream: http.ClientRequest, response: http.IncomingMessage): Outcome {
  try {
    const problem = responseProblem(response);
    if (problem !== undefined) throw new Error(problem);
    const { backend, responseHeaders: set } = attempt;
    const toSet = backend.authority === undefined ? set : { ...sentHere(response.headers.location, backend), ...set };
    client.writeHead(response.statusCode ?? 502, response.statusMessage, responseHeaders(response, toSet, attempt.cookie));
  } catch (error) {
    // One that nobody can understand, or a status that Node does not write, say 099: the client gets a page instead.
    response.on("error", () => undefined);
    upstream.destroy();
    return { kind: "failed", error: error as Error };
  }
  passBody(response, client);
  return { kind: "answered" };
}

interface Upgraded {
  readonly response: http.IncomingMessage;
  readonly socket: net.Socket;
  readonly head: Buffer;
}

function upgrade(client: http.ServerResponse, { response, socket, head }: Upgraded, attempt: Attempt): Outcome {
  const clientSocket = client.socket;
  const isAsked = attempt.upgradeHead !== undefined && response.headers.upgrade?.toLowerCase() === "websocket";
  const problem = isAsked ? responseProblem(response) : "a switch of protocols that nobody asked for";
  if (clientSocket === null || attempt.upgradeHead === undefined || problem !== undefined) {
    socket.destroy();
    return problem === undefined ? { kind: "clientGone" } : { kind: "failed", error: new Error(problem) };
  }
  client.detachSocket(clientSocket);
  const lines = [`HTTP/1.1 101 ${response.statusMessage || "Switching Protocols"}`];
  const headers = upgradeHeaders(response, attempt.cookie);
  for (let index = 0; index < headers.length; index += 2) lines.push(`${headers[index]}: ${headers[index + 1]}`);
  clientSocket.write(`${lines.join("\r\n")}\r\n\r\n`, "latin1");
  if (attempt.upgradeHead.length > 0) clientSocket.unshift(attempt.upgradeHead);
  if (head.length > 0) socket.unshift(head);
  tieSockets(clientSocket, socket);
  return { kind: "answered" };
}
