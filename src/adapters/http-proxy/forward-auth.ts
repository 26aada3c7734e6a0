// `forwardAuth` of a route: another service is asked about each request before the app sees it. 2xx lets it pass, any other answer is the
// client's; a service that does not answer lets nobody in.
import http from "node:http";
import https from "node:https";
import { TLSSocket } from "node:tls";
import { MeshUnreachable } from "../../api/errors.ts";
import type { Backend, HttpRoute } from "../../api/table.ts";
import type { BackendOrder, Ways } from "../../ports.ts";
import { tlsOf } from "./backend-tls.ts";
import { connectTimeoutMs } from "./connect-time.ts";
import { endToEnd, requestHeaders, responseProblem } from "./headers.ts";
import { WayAgent, type WayRequest } from "./way-agent.ts";

type Spec = NonNullable<HttpRoute["forwardAuth"]>;

export type Verdict =
  /** With these headers for the app, by the names that the route lists; undefined: the client's own is dropped all the same. */
  | { readonly kind: "let in"; readonly headers: Readonly<Record<string, string | undefined>> }
  | { readonly kind: "refused"; readonly status: number; readonly headers: readonly string[]; readonly body: Buffer }
  | { readonly kind: "no answer"; readonly error: Error };

export interface AskedFor {
  readonly target: string;
  readonly from: string;
  readonly proto: "http" | "https";
  /** Where an app of the house is reached, by the host in the URL. */
  readonly backendsOf: (host: string) => readonly Backend[];
  readonly node: () => string;
  readonly health: BackendOrder;
  readonly ways: Ways;
  /** Who is asked right now; undefined: nobody any more. */
  readonly trying: (backend: Backend | undefined) => void;
}

const ANSWER_WITHIN_MS = 10_000;
/** A page to sign in at; more is cut off, and then it is no answer. */
const BODY_BYTES_MAX = 1024 * 1024;

export async function askForwardAuth(request: http.IncomingMessage, spec: Spec, asked: AskedFor): Promise<Verdict> {
  try {
    const { status, headers, flat, body } = await askInTurn(request, spec, asked);
    if (status < 200 || status > 299) return { kind: "refused", status, headers: flat, body };
    const handed = spec.headers.map((name) => [name, headers[name.toLowerCase()]?.toString()] as const);
    return { kind: "let in", headers: Object.fromEntries(handed) };
  } catch (error) {
    return { kind: "no answer", error: error instanceof Error ? error : new Error(String(error)) };
  }
}

interface Answer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly flat: readonly string[];
  readonly body: Buffer;
}

/** It has not heard the question, or was lost with its node: another instance may be asked, for the question changes nothing. */
class Unreachable extends Error {}

async function askInTurn(request: http.IncomingMessage, { url }: Spec, asked: AskedFor): Promise<Answer> {
  const to = new URL(url);
  const { health, ways } = asked;
  const signal = AbortSignal.timeout(ANSWER_WITHIN_MS);
  const inTurn = health.order(asked.backendsOf(to.hostname), asked.node(), performance.now());
  if (inTurn.length === 0) return ask(request, { ...asked, to, signal, backend: undefined, connectMs: ANSWER_WITHIN_MS });
  let last: unknown;
  for (const [index, backend] of inTurn.entries()) {
    try {
      const connectMs = connectTimeoutMs(backend, ways, index === inTurn.length - 1);
      asked.trying(backend);
      return await ask(request, { ...asked, to, signal, backend, connectMs });
    } catch (error) {
      if (!(error instanceof Unreachable)) throw error;
      health.unreachable(backend, performance.now());
      last = error;
    } finally {
      asked.trying(undefined);
    }
  }
  throw last;
}

interface AskedNow extends AskedFor {
  readonly to: URL;
  readonly signal: AbortSignal;
  /** undefined: whoever has the name in the URL. */
  readonly backend: Backend | undefined;
  readonly connectMs: number;
}

function ask(request: http.IncomingMessage, asked: AskedNow): Promise<Answer> {
  return new Promise((done, fail) => {
    const { signal, connectMs } = asked;
    const client = startAsking(request, asked);
    let isConnected = false;
    client.once("socket", (socket) => {
      // Where it led through another node it stands already.
      if (!socket.connecting) return void (isConnected = true);
      const limit = setTimeout(() => socket.destroy(new Error(`no connection within ${connectMs} ms`)), connectMs);
      socket.once("close", () => clearTimeout(limit));
      socket.once(socket instanceof TLSSocket ? "secureConnect" : "connect", () => {
        clearTimeout(limit);
        isConnected = true;
      });
      return undefined;
    });
    client.on("error", (error) => {
      const isUnreachable = !signal.aborted && (!isConnected || error instanceof MeshUnreachable);
      fail(isUnreachable ? new Unreachable(error.message, { cause: error }) : error);
    });
    client.on("upgrade", (_response, socket) => {
      socket.destroy();
      fail(new Error("a switch of protocols that nobody asked for"));
    });
    client.on("response", (response) => {
      response.on("error", fail);
      const { statusCode = 0 } = response;
      const problem = responseProblem(response) ?? (statusCode < 200 ? `an answer with the status ${statusCode}` : undefined);
      if (problem !== undefined) return void client.destroy(new Error(problem));
      const chunks: Buffer[] = [];
      let bytes = 0;
      response.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        if (bytes > BODY_BYTES_MAX) client.destroy(new Error("its answer is too long"));
        else chunks.push(chunk);
      });
      response.on("end", () => {
        const flat = withoutLength(endToEnd(response));
        done({ status: statusCode, headers: response.headers, flat, body: Buffer.concat(chunks) });
      });
      return undefined;
    });
    client.end();
  });
}

function startAsking(request: http.IncomingMessage, asked: AskedNow): http.ClientRequest {
  const { to, signal, backend, connectMs, ways } = asked;
  const options = {
    ...(backend === undefined ? { host: to.hostname, port: to.port } : { host: backend.host, port: backend.port }),
    method: "GET",
    path: to.pathname + to.search,
    headers: askingHeaders(request, asked),
    agent: false,
    signal,
  };
  if (backend === undefined) return to.protocol === "https:" ? https.request(options) : http.request(options);
  if (!ways.isElsewhere(backend))
    return backend.tls === undefined ? http.request(options) : https.request({ ...options, ...tlsOf(backend) });
  const way: WayRequest = { ...options, agent: new WayAgent(ways), backend, connectTimeoutMs: connectMs };
  return http.request(way);
}

/** What the client sent but for its body, and what it asked for, under the names that Traefik gave them. */
function askingHeaders(request: http.IncomingMessage, { to, target, from, proto }: AskedNow): readonly string[] {
  const { host = "" } = request.headers;
  const port = request.socket.localPort ?? 0;
  const about = { "X-Forwarded-Method": request.method ?? "GET", "X-Forwarded-Uri": target, Host: to.host };
  const flat = requestHeaders(request, { forwarded: { for: from, proto, host, port }, set: about, upgrade: false });
  return withoutBody(flat);
}

const ABOUT_BODY = /^(content-.*|transfer-encoding|sec-websocket-.*|if-.*|range)$/i;

function withoutBody(flat: readonly string[]): readonly string[] {
  return flat.filter((_, index) => !ABOUT_BODY.test(flat[index - (index % 2)] ?? ""));
}

/** The body is written whole, with its own length. */
function withoutLength(flat: readonly string[]): readonly string[] {
  return flat.filter((_, index) => (flat[index - (index % 2)] ?? "").toLowerCase() !== "content-length");
}
