// What is under way on the connections of one listener: requests of one connection in turn, refusals that never cut into an answer,
// bodies that do not come, and an end when the listener is drained.
import type http from "node:http";
import type net from "node:net";
import { hasBody } from "./headers.ts";
import { UnderWay, type Placed } from "./under-way.ts";

export interface ConnectionLimits {
  /** A body that somebody waits for and of which nothing comes. */
  readonly bodyIdleMs: number;
  /** For the rest of a body after its answer: a browser that is cut off while it sends does not show the answer. */
  readonly lingerMs: number;
}

/** Requests of one connection that came before it was their turn. */
const WAITING_MAX = 100;
/** Of their heads. */
const WAITING_BYTES_MAX = 128 * 1024;
/** What a string of a head takes beside its letters. */
const STRING_BYTES = 32;

interface Exchange extends Placed {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
}

/** One for all requests of a connection: a new one at each of them would outlive it, and be work for the garbage collector. */
interface Connection {
  latest: Exchange | undefined;
  waiting: number;
  waitingBytes: number;
}

interface Body {
  readonly request: http.IncomingMessage;
  readonly response: http.ServerResponse;
  bytesRead: number;
  /** Somebody waited for it when it was last looked at. */
  isWaitedFor: boolean;
}

const REFUSALS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: "431 Request Header Fields Too Large",
  HPE_CHUNK_EXTENSIONS_OVERFLOW: "413 Content Too Large",
  ERR_HTTP_REQUEST_TIMEOUT: "408 Request Timeout",
};

export class Connections {
  readonly #limits: ConnectionLimits;
  readonly #connections = new WeakMap<net.Socket, Connection>();
  readonly #answering = new UnderWay<Exchange>();
  readonly #bodies = new Set<Body>();
  #sweep: NodeJS.Timeout | undefined;
  #last = false;

  constructor(limits: ConnectionLimits) {
    this.#limits = limits;
  }

  /** Resolves when all before it on its connection is answered (RFC 9112, 9.3.2); never, if the connection ends first. */
  turn(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> | undefined {
    const { socket } = request;
    const connection = this.#connectionOf(socket);
    const exchange = { request, response, place: -1 };
    connection.latest = exchange;
    response.on("close", () => {
      if (connection.latest === exchange) connection.latest = undefined;
      this.#answering.delete(exchange);
    });
    if (response.socket !== null) return this.#begin(exchange);
    const bytes = headBytes(request);
    connection.waiting += 1;
    connection.waitingBytes += bytes;
    if (connection.waiting > WAITING_MAX || connection.waitingBytes > WAITING_BYTES_MAX) socket.destroy();
    return new Promise((done) => {
      response.once("socket", () => {
        connection.waiting -= 1;
        connection.waitingBytes -= bytes;
        this.#begin(exchange);
        done();
      });
    });
  }

  /** Whether a switch of protocols would come before the answer to an earlier request; the connection then ends with that. */
  endsBefore(socket: net.Socket): boolean {
    const latest = this.#connections.get(socket)?.latest;
    if (latest === undefined || !isUnderWay(latest)) return false;
    endAfter(latest, socket);
    return true;
  }

  /** For what is no HTTP, or did not come in time: a line of it, if it cuts into no answer. */
  refuse(error: NodeJS.ErrnoException, socket: net.Socket): void {
    const { code = "" } = error;
    const latest = this.#connections.get(socket)?.latest;
    const underWay = latest !== undefined && isUnderWay(latest);
    if (!socket.writable || !(code.startsWith("HPE_") || code in REFUSALS)) return void socket.destroy();
    // The mistake is in what follows: nothing more of this connection can be understood, but what was asked before it is answered.
    if (underWay && latest.request.complete) return endAfter(latest, socket);
    if (underWay && (latest.response.headersSent || latest.response.socket !== socket)) return void socket.destroy();
    return refuseWith(REFUSALS[code] ?? "400 Bad Request", socket);
  }

  /** From now on every answer tells its client to connect anew, to whoever listens then. */
  last(): void {
    this.#last = true;
    for (const { response } of this.#answering) response.shouldKeepAlive = false;
  }

  #connectionOf(socket: net.Socket): Connection {
    const before = this.#connections.get(socket);
    if (before !== undefined) return before;
    const connection = { latest: undefined, waiting: 0, waitingBytes: 0 };
    this.#connections.set(socket, connection);
    return connection;
  }

  #begin(exchange: Exchange): undefined {
    const { request, response } = exchange;
    if (this.#last) response.shouldKeepAlive = false;
    this.#answering.add(exchange);
    if (hasBody(request)) this.#watch(request, response);
    return undefined;
  }

  #watch(request: http.IncomingMessage, response: http.ServerResponse): void {
    const { socket } = request;
    const body = { request, response, bytesRead: socket.bytesRead, isWaitedFor: false };
    this.#bodies.add(body);
    this.#sweep ??= setInterval(() => this.#refuseIdle(), this.#limits.bodyIdleMs);
    request.once("close", () => this.#forget(body));
    response.once("finish", () => {
      this.#forget(body);
      if (request.complete || socket.destroyed) return;
      const timer = setTimeout(() => socket.destroy(), this.#limits.lingerMs);
      request.once("close", () => clearTimeout(timer));
    });
  }

  #forget(body: Body): void {
    this.#bodies.delete(body);
    if (this.#bodies.size > 0) return;
    clearInterval(this.#sweep);
    this.#sweep = undefined;
  }

  #refuseIdle(): void {
    for (const body of this.#bodies) {
      const { request, response } = body;
      const { bytesRead } = request.socket;
      // Where the app does not read it is not the client that is slow, and an answer that has begun may outlast a silent body.
      const isWaitedFor = request.readableFlowing === true && !request.complete && !response.headersSent;
      // Not where it was held, or its app did not read, until a moment ago.
      if (isWaitedFor && body.isWaitedFor && bytesRead === body.bytesRead)
        this.refuse(Object.assign(new Error("no more of the body"), { code: "ERR_HTTP_REQUEST_TIMEOUT" }), request.socket);
      body.bytesRead = bytesRead;
      body.isWaitedFor = isWaitedFor;
    }
  }
}

function headBytes({ url = "", rawHeaders }: http.IncomingMessage): number {
  return rawHeaders.reduce((sum, text) => sum + text.length + STRING_BYTES, url.length);
}

/** Also in the moment after its last byte, when Node has not yet taken it from its connection. */
function isUnderWay({ response }: Exchange): boolean {
  return response.socket !== null || !response.writableFinished;
}

export function refuseWith(status: string, socket: net.Socket): void {
  socket.write(`HTTP/1.1 ${status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
  socket.destroySoon();
}

const ending = new WeakSet<net.Socket>();

function endAfter({ response }: Exchange, socket: net.Socket): void {
  if (ending.has(socket)) return;
  ending.add(socket);
  response.shouldKeepAlive = false;
  response.once("finish", () => socket.destroySoon());
}
