// The ingress' control socket: how its agent hands over tables, asks how it is, and replaces it. HTTP on a unix socket, 0600.
import { chmod, rename, rm } from "node:fs/promises";
import http from "node:http";
import net from "node:net";

/** A call's answer: JSON, or text as it stands. */
export interface ControlAnswer {
  readonly status: number;
  readonly body: unknown;
}

/** By `METHOD /path`; the body is parsed JSON. */
export type ControlRoutes = Readonly<Record<string, (body: unknown) => ControlAnswer | Promise<ControlAnswer>>>;

export interface ControlServer {
  /** Ends all calls, the open `/alive` too: whoever holds it knows that this process gave up its place. */
  close(): void;
}

/** A whole table of a thousand apps is below 1 MiB. */
const BODY_BYTES_MAX = 32 * 1024 * 1024;

/**
 * Takes the path over from whoever had it, in one step: bound under another name and renamed. (The name that libuv unlinks on close
 * is that other one, so a process that leaves never takes its successor's socket away.)
 */
export async function serveControl(path: string, routes: ControlRoutes): Promise<ControlServer> {
  const server = http.createServer({ keepAliveTimeout: 1 }, (request, response) => void handle(routes, request, response));
  const fresh = `${path}.${process.pid}`;
  await rm(fresh, { force: true }); // an earlier process of this pid, killed between the two steps
  await new Promise<void>((done, fail) => {
    server.once("error", fail);
    server.listen(fresh, done);
  });
  await chmod(fresh, 0o600);
  await rename(fresh, path);
  return {
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** Does a process answer at this path? */
export async function isServed(path: string): Promise<boolean> {
  const socket = net.connect(path);
  try {
    return await new Promise<boolean>((done) => {
      socket.once("connect", () => done(true));
      socket.once("error", () => done(false));
    });
  } finally {
    socket.destroy();
  }
}

async function handle(routes: ControlRoutes, request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
  if (request.url === "/alive") {
    response.writeHead(200).flushHeaders();
    return;
  }
  const { status, body } = await answer(routes, request);
  const text = typeof body === "string" ? body : JSON.stringify(body);
  response.writeHead(status, { "Content-Type": typeof body === "string" ? "text/plain" : "application/json" }).end(text);
}

async function answer(routes: ControlRoutes, request: http.IncomingMessage): Promise<ControlAnswer> {
  const route = routes[`${request.method} ${request.url}`];
  if (route === undefined) return { status: 404, body: { message: `No such call: ${request.method} ${request.url}` } };
  try {
    return await route(await readJson(request));
  } catch (error) {
    return { status: error instanceof SyntaxError ? 400 : 500, body: { message: error instanceof Error ? error.message : String(error) } };
  }
}

async function readJson(request: http.IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) throw new SyntaxError(`A body has at most ${BODY_BYTES_MAX} bytes`);
    chunks.push(chunk);
  }
  return bytes === 0 ? undefined : JSON.parse(Buffer.concat(chunks).toString("utf8"));
}
