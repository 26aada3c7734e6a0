// The apps of a soak: each says its name in every answer, so that an answer of another app is seen. They can be restarted at their port.
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { freePort } from "./ingress.ts";
import { echoWebSockets } from "./web-socket-app.ts";

export const BIG_BYTES = 2_000_000;
const MARK_BYTES = 64;
const bodies = new Map<string, Buffer>();

/** The name over and over, so that each piece of it tells whose it is. */
export function bigBodyOf(name: string): Buffer {
  const body = bodies.get(name) ?? Buffer.alloc(BIG_BYTES, name.padEnd(MARK_BYTES, "."));
  bodies.set(name, body);
  return body;
}

/** HTTP and WebSocket on one port, raw TCP on another. */
export class SoakApp {
  readonly name: string;
  readonly #sockets = new Set<net.Socket>();
  #servers: readonly net.Server[] = [];
  #ports: readonly number[] = [];

  constructor(name: string) {
    this.name = name;
  }

  get httpPort(): number {
    return this.#ports[0] ?? 0;
  }

  get tcpPort(): number {
    return this.#ports[1] ?? 0;
  }

  async start(): Promise<void> {
    const web = http.createServer((request, response) => this.#answer(request, response));
    echoWebSockets(web, (text) => `${this.name}: ${text}`);
    const raw = net.createServer((socket) => {
      socket.on("error", () => socket.destroy());
      socket.write(`${this.name}\n`);
      socket.pipe(socket);
    });
    // The same ones after each restart.
    if (this.#ports.length === 0) this.#ports = [await freePort(), await freePort()];
    this.#servers = [web, raw];
    for (const [index, server] of this.#servers.entries()) {
      server.on("connection", (socket: net.Socket) => {
        this.#sockets.add(socket);
        socket.once("close", () => this.#sockets.delete(socket));
      });
      server.listen(this.#ports[index], "127.0.0.1");
    }
    await Promise.all(this.#servers.map((server) => once(server, "listening")));
  }

  /** As a container that is killed. */
  async stop(): Promise<void> {
    const closed = this.#servers.map((server) => once(server, "close"));
    for (const server of this.#servers) server.close();
    for (const socket of this.#sockets) socket.resetAndDestroy();
    await Promise.all(closed);
  }

  #answer(request: http.IncomingMessage, response: http.ServerResponse): void {
    response.on("error", () => response.destroy());
    response.setHeader("X-App", this.name);
    if (request.url === "/big") {
      response.setHeader("Content-Length", BIG_BYTES).end(bigBodyOf(this.name));
      return;
    }
    let bytes = 0;
    request.on("data", (chunk: Buffer) => (bytes += chunk.length));
    request.on("end", () => response.end(`${this.name} ${bytes} ${request.url}`));
  }
}
