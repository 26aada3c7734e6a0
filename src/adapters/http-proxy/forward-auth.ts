// `forwardAuth` of a route: another service is asked about each request before the app sees it. 2xx lets it pass, any other answer is the
// client's; a service that does not answer lets nobody in.
import http from "node:http";
import https from "node:https";
import type { Backend, HttpRoute } from "../../api/table.ts";
import type { Ways } from "../../ports.ts";
import { tlsOf } from "./backend-tls.ts";
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
  readonly backendOf: (host: string) => Backend | undefined;
  readonly ways: Ways;
}

const ANSWER_WITHIN_MS = 10_000;
/** A page to sign in at; more is cut off, and then it is no answer. */
const BODY_BYTES_MAX = 1024 * 1024;

export async function askForwardAuth(request: http.IncomingMessage, spec: Spec, asked: AskedFor): Promise<Verdict> {
  try {
    const { status, headers, flat, body } = await ask(request, spec, asked);
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

function ask(request: http.IncomingMessage, { url }: Spec, asked: AskedFor): Promise<Answer> {
  return new Promise((done, fail) => {
    const to = new URL(url);
    const backend = asked.backendOf(to.hostname);
    const options = {
      ...(backend === undefined ? { host: to.hostname, port: to.port } : { host: backend.host, port: backend.port }),
      method: "GET",
      path: to.pathname + to.search,
      headers: askingHeaders(request, to, asked),
      agent: false,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
    };
    const client = startAsking(to, options, backend, asked.ways);
    client.on("error", fail);
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

function startAsking(to: URL, options: http.RequestOptions, backend: Backend | undefined, ways: Ways): http.ClientRequest {
  if (backend === undefined) return to.protocol === "https:" ? https.request(options) : http.request(options);
  if (!ways.isElsewhere(backend))
    return backend.tls === undefined ? http.request(options) : https.request({ ...options, ...tlsOf(backend) });
  const way: WayRequest = { ...options, agent: new WayAgent(ways, { keepAlive: false }), backend, connectTimeoutMs: ANSWER_WITHIN_MS };
  return http.request(way);
}

/** What the client sent but for its body, and what it asked for, under the names that Traefik gave them. */
function askingHeaders(request: http.IncomingMessage, to: URL, { target, from, proto }: AskedFor): readonly string[] {
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
