// http-proxy behind its wrapper: the one place that knows the package. Its own passes leak, hang and smuggle, so ours stand before
// them and end the chain; what is left of it is its interface.
import type http from "node:http";
import type net from "node:net";
import httpProxy from "http-proxy";
import type { Backend } from "../../api/table.ts";
import type { Ways } from "../../ports.ts";
import type { EarlyBytes } from "./early-bytes.ts";
import { Forwarding } from "./forwarding.ts";
import type { Forwarded, Headers } from "./headers.ts";
import { Upstreams } from "./upstreams.ts";

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
  /** What came after the head of an upgrade; absent: a plain request. */
  readonly early: EarlyBytes | undefined;
}

export type Outcome =
  /** The head of the answer is on its way, and the rest follows by itself. */
  | { readonly kind: "answered" }
  /** No byte was sent. */
  | { readonly kind: "unreachable"; readonly error: Error }
  /** A kept-open connection was closed by the backend before it answered. */
  | { readonly kind: "stale"; readonly error: Error }
  /** Its node is lost: it may have reached the app, and nobody will hear what that made of it. */
  | { readonly kind: "cut"; readonly error: Error }
  /** It may have reached the app, and there is no answer. */
  | { readonly kind: "failed"; readonly error: Error }
  | { readonly kind: "timedOut" }
  | { readonly kind: "tooLarge" }
  /** The client did not wait. */
  | { readonly kind: "clientGone" };

export interface Forwarder {
  /** After a new table: connections to what is in it no more are not kept. */
  keep(backends: Iterable<Backend>): void;
  forward(request: http.IncomingMessage, response: http.ServerResponse, attempt: Attempt): Promise<Outcome>;
}

const NO_HEAD = Buffer.alloc(0);

interface PassOptions extends httpProxy.ServerOptions {
  readonly forwarding: Forwarding;
}

export function createForwarder(ways: Ways): Forwarder {
  // The package calls util._extend and url.parse at its first request; nobody who reads our logs can do anything about it.
  process.noDeprecation = true;
  const upstreams = new Upstreams(ways);
  // Its types leave `before` out.
  const proxy = httpProxy.createProxyServer() as httpProxy & { before(type: "web" | "ws", name: string, run: typeof pass): void };
  // Before `deleteLength`: that pass lets a chunked DELETE smuggle a second request (CVE-2026-29057).
  proxy.before("web", "deleteLength", pass);
  proxy.before("ws", "checkMethodAndHeader", pass);

  /** True: no further pass. http-proxy hands back the options that it was given. */
  function pass(_request: http.IncomingMessage, _client: http.ServerResponse | net.Socket, options: httpProxy.ServerOptions): boolean {
    (options as PassOptions).forwarding.start(upstreams);
    return true;
  }

  return {
    keep: (backends) => upstreams.keep(backends),
    forward(request, response, attempt) {
      return new Promise((settle) => {
        const target = { host: attempt.backend.host, port: attempt.backend.port };
        const options: PassOptions = { target, forwarding: new Forwarding(request, response, attempt, settle) };
        try {
          if (attempt.early === undefined) proxy.web(request, response, options);
          else proxy.ws(request, response, NO_HEAD, options); // what came after it is the attempt's
        } catch (error) {
          // A header of the route's that cannot be written.
          settle({ kind: "failed", error: error as Error });
        }
      });
    },
  };
}
