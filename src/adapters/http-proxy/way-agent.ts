// How Node's own client reaches an instance of another node: through that node's ingress, on a connection of its own.
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

type Connected = (error: Error | null, socket: Duplex) => void;

export class WayAgent extends http.Agent {
  readonly #ways: Ways;

  constructor(ways: Ways) {
    super({ keepAlive: false });
    this.#ways = ways;
  }

  override createConnection(options: http.ClientRequestArgs, connected?: Connected): undefined {
    void this.#connect(options as WayRequest, connected); // every request of this agent is one
    return undefined;
  }

  async #connect({ backend, connectTimeoutMs }: WayRequest, connected: Connected | undefined): Promise<void> {
    try {
      const socket = await this.#ways.connect(backend, { limitMs: connectTimeoutMs });
      // An app that closes its end takes no further request.
      socket.allowHalfOpen = false;
      if (backend.tls !== undefined) return secured(socket, backend, connectTimeoutMs, connected);
      connected?.(null, socket);
      // It comes paused, and Node's client begins to listen in a moment.
      setImmediate(() => socket.resume());
    } catch (error) {
      fail(connected, error);
    }
    return undefined;
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
