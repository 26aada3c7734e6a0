// An app behind a proxy, and a client before it, for tests that look at single bytes and connections.
import assert from "node:assert/strict";
import { once } from "node:events";
import type http from "node:http";
import net from "node:net";
import { startApp } from "./ingress.ts";
import { InVain } from "./until.ts";

export interface ProxyCase {
  readonly name: string;
  /** What http-proxy alone does. */
  readonly bare: "breaks" | "holds";
  /** `proxyTo` starts or points the proxy at an app and answers the proxy's port. */
  readonly run: (proxyTo: (appPort: number) => Promise<number>) => Promise<void>;
}

/** Long enough for a busy machine; what takes this long hangs. */
export const limitMs = 5000;

export const upgradeRequest =
  "GET /socket HTTP/1.1\r\nHost: hello\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

export interface DisposableApp extends AsyncDisposable {
  readonly port: number;
  readonly server: net.Server;
}

export async function disposableApp(answer?: http.RequestListener): Promise<DisposableApp> {
  const app = await startApp(answer);
  return { port: app.port, server: app.server, [Symbol.asyncDispose]: async () => app.stop() };
}

/** Says the same to whoever sends it something, and ends. */
export async function rawApp(answer: string | Buffer): Promise<DisposableApp> {
  const server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(answer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as net.AddressInfo).port, server, [Symbol.asyncDispose]: async () => void server.close() };
}

export async function webSocketApp(onSocket: (socket: net.Socket) => void, answer?: http.RequestListener): Promise<DisposableApp> {
  const app = await startApp(answer);
  const sockets = new Set<net.Socket>();
  app.server.on("upgrade", (_request, stream, head) => {
    const socket = stream as net.Socket; // what an http.Server of plain TCP hands over
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    if (head.length > 0) socket.unshift(head);
    // Nobody else may read: without a reader the end of the other side is never seen.
    onSocket(socket);
    socket.resume();
    socket.on("end", () => socket.end());
  });
  return {
    port: app.port,
    server: app.server,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      app.stop();
    },
  };
}

export async function openWebSocket(port: number, early = ""): Promise<net.Socket> {
  const socket = net.connect(port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.write(upgradeRequest + early);
  const [head] = (await withLimit(once(socket, "data"))) as [Buffer];
  const end = head.indexOf("\r\n\r\n") + 4;
  assert.match(head.toString("latin1"), /^HTTP\/1\.1 101/);
  if (head.length > end) socket.unshift(head.subarray(end));
  return socket;
}

/** All bytes that come back until the other side ends. */
export async function rawRequest(port: number, text: string | Buffer): Promise<string> {
  return String(await rawBytes(port, text));
}

export function rawBytes(port: number, text: string | Buffer): Promise<Buffer> {
  const socket = net.connect(port, "127.0.0.1");
  const chunks: Buffer[] = [];
  const whole = new Promise<Buffer>((done, fail) => {
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", (error) => (chunks.length === 0 ? fail(error) : done(Buffer.concat(chunks))));
    socket.on("close", () => done(Buffer.concat(chunks)));
  });
  socket.write(text);
  return withLimit(whole).finally(() => socket.destroy());
}

export async function withLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_done, fail) => {
    timer = setTimeout(() => fail(new InVain(`no end within ${limitMs} ms`)), limitMs);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
