// Connections for HTTP to instances of other nodes: kept and shared like any others, only that they lead through the other node's ingress.
import http from "node:http";
import type net from "node:net";
import type { Duplex } from "node:stream";
import tls from "node:tls";
import type { Backend } from "../../api/table.ts";
import type { Ways } from "../../ports.ts";
import { tlsOf } from "./backend-tls.ts";

/** What goes with a request beside what Node knows of. */
export interface WayRequest extends http.RequestOptions {
  readonly backend: Backend;
  readonly connectTimeoutMs: number;
}

/** The other ingress may have handed over to another build: the one that has this connection ends with the last of its kind. */
const AGE_MAX_MS = 5 * 60_000;

type Connected = (error: Error | null, socket: Duplex) => void;

export class WayAgent extends http.Agent {
  readonly #ways: Ways;
  readonly #openedMs = new WeakMap<Duplex, number>();

  constructor(ways: Ways, options: http.AgentOptions) {
    super(options);
    this.#ways = ways;
  }

  /** Two nodes may use the same addresses. */
  override getName(options?: Parameters<http.Agent["getName"]>[0]): string {
    const { node, instance, host, port, tls: secure = "" } = (options as unknown as WayRequest).backend; // every request of this agent has it
    return `${node} ${instance} ${host} ${port} ${secure}`;
  }

  override keepSocketAlive(socket: Duplex): boolean {
    const isYoung = performance.now() - (this.#openedMs.get(socket) ?? 0) < AGE_MAX_MS;
    return isYoung && (super.keepSocketAlive(socket) as unknown as boolean); // its types say nothing of the answer
  }

  override createConnection(options: http.ClientRequestArgs, connected?: Connected): undefined {
    void this.#connect(options as WayRequest, connected); // every request of this agent is one
    return undefined;
  }

  async #connect({ backend, connectTimeoutMs }: WayRequest, connected: Connected | undefined): Promise<void> {
    try {
      const socket = await this.#ways.connect(backend, connectTimeoutMs);
      // An app that closes its end takes no further request.
      socket.allowHalfOpen = false;
      if (backend.tls !== undefined) return secured(socket, backend, connectTimeoutMs, (...done) => this.#opened(connected, ...done));
      this.#opened(connected, null, socket);
      // It comes paused, and Node's client begins to listen in a moment.
      setImmediate(() => socket.resume());
    } catch (error) {
      fail(connected, error);
    }
    return undefined;
  }

  #opened(connected: Connected | undefined, error: Error | null, socket: Duplex): void {
    if (error === null) this.#openedMs.set(socket, performance.now());
    connected?.(error, socket);
  }
}

/** TLS of the instance's own, end to end. */
function secured(under: net.Socket, backend: Backend, limitMs: number, connected: Connected | undefined): void {
  const socket = tls.connect({ socket: under, ...tlsOf(backend) });
  const onError = (error: Error): void => {
    clearTimeout(limit);
    fail(connected, error);
  };
  const limit = setTimeout(() => socket.destroy(new Error(`no connection within ${limitMs} ms`)), limitMs);
  socket.once("error", onError);
  socket.once("secureConnect", () => {
    clearTimeout(limit);
    socket.off("error", onError);
    connected?.(null, socket);
  });
}

function fail(connected: Connected | undefined, error: unknown): void {
  // Node takes no second argument where there is a first; its types want one.
  (connected as ((error: unknown) => void) | undefined)?.(error);
}
