// Apps and clients that speak raw TCP and UDP, for tests of the ingress.
import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import os from "node:os";
import type { StreamRoute, Table } from "../../src/api/table.ts";
import { tableOf } from "./ingress.ts";

const answerLimitMs = 20_000;

/** A house whose only raw port leads to these ports of loopback. */
export function streamTable(
  protocol: StreamRoute["protocol"],
  port: number,
  backends: readonly number[],
  more: Partial<StreamRoute> = {},
): Table {
  const route: StreamRoute = {
    name: "raw",
    protocol,
    port,
    backends: backends.map((each) => ({ node: "attic", instance: `raw-${each}`, host: "127.0.0.1", port: each })),
    idleTimeoutMs: 60_000,
    ...more,
  };
  return { ...tableOf([]), streams: [route] };
}

/** This computer's first address that is not loopback. */
export function ownLanAddress(): string | undefined {
  return Object.values(os.networkInterfaces())
    .flatMap((each) => each ?? [])
    .find(({ internal, family }) => !internal && family === "IPv4")?.address;
}

export class TcpApp implements AsyncDisposable {
  readonly #server: net.Server;
  readonly #sockets = new Set<net.Socket>();
  #served = 0;

  constructor(server: net.Server) {
    this.#server = server;
    server.on("connection", (socket) => {
      this.#served += 1;
      this.#sockets.add(socket);
      socket.on("error", () => socket.destroy());
      socket.on("close", () => this.#sockets.delete(socket));
    });
  }

  get port(): number {
    return (this.#server.address() as net.AddressInfo).port;
  }

  /** Open right now. */
  get connections(): number {
    return this.#sockets.size;
  }

  /** Since the start. */
  get served(): number {
    return this.#served;
  }

  /** As the kernel does for a program that dies with something unread. */
  reset(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
    await once(this.#server, "close");
  }
}

export async function startTcpApp(serve: (socket: net.Socket) => void, port = 0): Promise<TcpApp> {
  const server = net.createServer({ allowHalfOpen: true }, serve);
  const app = new TcpApp(server);
  server.listen(port, "127.0.0.1");
  await once(server, "listening");
  return app;
}

/** A connection that is open. */
export async function tcpClient(port: number, host = "127.0.0.1"): Promise<net.Socket> {
  const socket = net.connect({ port, host });
  await once(socket, "connect");
  socket.on("error", () => socket.destroy());
  return socket;
}

/** Says this and no more, and answers what came back until the other side ended. */
export function talk(port: number, bytes: Buffer, host = "127.0.0.1"): Promise<Buffer> {
  return new Promise((done, fail) => {
    const socket = net.connect({ port, host, timeout: answerLimitMs });
    const chunks: Buffer[] = [];
    socket.on("timeout", () => socket.destroy(new Error("no answer")));
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", fail);
    socket.on("close", () => done(Buffer.concat(chunks)));
    socket.end(bytes);
  });
}

export interface UdpApp extends AsyncDisposable {
  readonly port: number;
  /** Source ports that it has heard from. */
  readonly clients: ReadonlySet<number>;
}

/** Answers each datagram by what `answer` makes of it. */
export async function startUdpApp(answer: (packet: Buffer) => Buffer | string = (packet) => packet): Promise<UdpApp> {
  const socket = await boundSocket("127.0.0.1", 4 * 1024 * 1024);
  const clients = new Set<number>();
  socket.on("message", (packet, { address, port }) => {
    clients.add(port);
    socket.send(answer(packet), port, address);
  });
  return {
    port: socket.address().port,
    clients,
    [Symbol.asyncDispose]: () => new Promise<void>((done) => socket.close(done)),
  };
}

/** One client: everything that it hears, and from where. */
export class UdpClient implements AsyncDisposable {
  readonly #socket: dgram.Socket;
  readonly heard: string[] = [];
  readonly from = new Set<string>();

  constructor(socket: dgram.Socket) {
    this.#socket = socket;
    socket.on("message", (packet, { address, port }) => {
      this.heard.push(packet.toString("latin1"));
      this.from.add(`${address}:${port}`);
    });
  }

  get port(): number {
    return this.#socket.address().port;
  }

  send(text: string, port: number, address = "127.0.0.1"): void {
    this.#socket.send(text, port, address);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((done) => this.#socket.close(done));
  }
}

export async function udpClient(address = "127.0.0.1"): Promise<UdpClient> {
  return new UdpClient(await boundSocket(address));
}

async function boundSocket(address: string, recvBufferSize?: number): Promise<dgram.Socket> {
  const socket = dgram.createSocket({
    type: net.isIPv6(address) ? "udp6" : "udp4",
    ...(recvBufferSize !== undefined && { recvBufferSize }),
  });
  socket.bind(0, address);
  await once(socket, "listening");
  return socket;
}
