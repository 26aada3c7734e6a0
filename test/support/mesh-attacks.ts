// Whatever strangers may do to ports 733 and 734, one attack at a time and by chance: nothing of it is what a node does.
import net from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import tls from "node:tls";
import { encodeFrame } from "../../src/adapters/mesh/frames.ts";
import type { MeshTrust } from "../../src/adapters/mesh/identify.ts";
import type { SeededRandom } from "../fakes/clock.ts";

export interface AttackOptions {
  readonly port: number;
  readonly source: string;
  /** Of a node that belongs to no house. */
  readonly trust: MeshTrust;
  readonly random: SeededRandom;
  /** What a node sends first, to be cut and changed. */
  readonly clientHello: Buffer;
  /** Of 733, unless it says another. */
  readonly protocol?: string;
}

type Attack = (options: AttackOptions) => Promise<void>;

const FRAME_MAX = 1 << 20;
/** A connection that the server leaves open is left by the attacker. */
const HOLD_MS = 400;
const LIMIT_MS = 10_000;

export const attacks: Readonly<Record<string, Attack>> = {
  junk: (options) => raw(options, bytes(options.random, options.random.int(0, 5_000))),
  "cut handshake": (options) => raw(options, options.clientHello.subarray(0, options.random.int(0, options.clientHello.length))),
  "changed handshake": (options) => raw(options, changed(options.clientHello, options.random)),
  "silent handshake": (options) => secure(options, async () => {}),
  "no certificate": (options) => secure(options, async (socket) => void socket.write(frame({})), { cert: undefined, key: undefined }),
  "other protocol": (options) =>
    secure(options, async (socket) => void socket.write("GET / HTTP/1.1\r\n\r\n"), { ALPNProtocols: ["http/1.1"] }),
  "torn down": (options) =>
    secure(options, async (socket) => {
      socket.write(frame({ id: 1, method: "join", body: {}, limitMs: 1_000 }));
      await wait(options.random.int(0, 20));
      socket.resetAndDestroy();
    }),
  "huge frame": (options) => secure(options, async (socket) => void socket.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 1, 2, 3]))),
  "frame that never ends": (options) =>
    secure(options, async (socket) => {
      socket.write(Buffer.from([0, 0, 0x3f, 0xff]));
      for (let index = 0; index < 20 && !socket.destroyed; index++, await wait(10)) socket.write("[");
    }),
  "junk in frames": (options) =>
    secure(options, async (socket) => {
      const body = bytes(options.random, options.random.int(0, 2_000));
      const header = Buffer.alloc(4);
      header.writeUInt32BE(body.length);
      socket.write(Buffer.concat([header, body]));
    }),
  "deep JSON": (options) =>
    secure(options, async (socket) => {
      const depth = options.random.int(100, 7_000);
      const body = Buffer.from(`{"id":1,"method":"join","limitMs":1000,"body":${"[".repeat(depth)}${"]".repeat(depth)}}`);
      const header = Buffer.alloc(4);
      header.writeUInt32BE(body.length);
      socket.write(Buffer.concat([header, body]));
    }),
  "changed way": (options) =>
    secure(options, async (socket) => {
      const to = { instance: "app-far", host: "127.0.0.1", port: options.random.int(1, 65_535), protocol: "tcp" };
      socket.write(changed(frame({ to, limitMs: 1_000 }), options.random));
    }),
  "changed request": (options) =>
    secure(
      options,
      async (socket) => void socket.write(changed(frame({ id: 1, method: "hello", body: {}, limitMs: 1_000 }), options.random)),
    ),
  "what only members may": (options) =>
    secure(options, async (socket) => {
      for (const method of ["api", "logs", "renew", "request-admission", "__proto__", "constructor"])
        socket.write(frame({ id: 1, method, body: { __proto__: { admin: true } }, limitMs: 1e12, stream: true }));
    }),
  "many requests, no reading": (options) =>
    secure(options, async (socket) => {
      socket.pause();
      const hello = frame({ id: 1, method: "hello", body: "x".repeat(10_000), limitMs: 1_000 });
      for (let index = 0; index < 500 && !socket.destroyed; index++) if (!socket.write(hello)) await wait(1);
    }),
};

/** What our own client sends first. */
export async function recordClientHello(trust: MeshTrust): Promise<Buffer> {
  const { promise, resolve } = Promise.withResolvers<Buffer>();
  const server = net.createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", (data) => {
      resolve(Buffer.from(data));
      socket.destroy();
    });
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  const { port } = server.address() as net.AddressInfo; // TCP
  const socket = tls.connect({ host: "127.0.0.1", port, cert: trust.certificate, key: trust.key, ALPNProtocols: ["fossora/1"] });
  socket.on("error", () => {});
  const hello = await promise;
  server.close();
  return hello;
}

/** Opens connections and holds those that are not refused; answers how to let go. */
export async function hold(count: number, port: number, sourceOf: (index: number) => string): Promise<() => void> {
  const sockets = Array.from({ length: count }, (_, index) => {
    const socket = net.connect({ port, host: "127.0.0.1", localAddress: sourceOf(index) });
    return socket.on("error", () => {}).resume();
  });
  await Promise.all(
    sockets.map((socket) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      socket.once("connect", resolve).once("close", () => resolve());
      return promise;
    }),
  );
  return () => sockets.forEach((socket) => socket.destroy());
}

async function raw({ port, source }: AttackOptions, data: Buffer): Promise<void> {
  const socket = net.connect({ port, host: "127.0.0.1", localAddress: source });
  socket.on("error", () => {}).resume();
  socket.write(data);
  await over(socket);
}

async function secure(
  { port, source, trust, protocol = "fossora/1" }: AttackOptions,
  act: (socket: tls.TLSSocket) => Promise<void>,
  options: tls.ConnectionOptions = {},
): Promise<void> {
  const socket = tls.connect({
    host: "127.0.0.1",
    port,
    localAddress: source,
    cert: trust.certificate,
    key: trust.key,
    rejectUnauthorized: false,
    ALPNProtocols: [protocol],
    ...options,
  } as tls.ConnectionOptions & { readonly localAddress: string }); // passed on to net.connect
  socket.on("error", () => {}).resume();
  socket.once("secureConnect", () => void act(socket).catch(() => {}));
  await over(socket);
}

/** Until the server ends it, or for a while. */
async function over(socket: net.Socket): Promise<void> {
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await Promise.race([closed, wait(HOLD_MS)]);
  socket.destroy();
  await Promise.race([closed, wait(LIMIT_MS, undefined, { ref: false })]);
}

function frame(message: object): Buffer {
  return encodeFrame(message, FRAME_MAX);
}

function bytes(random: SeededRandom, length: number): Buffer {
  return Buffer.from(Array.from({ length }, () => random.int(0, 255)));
}

function changed(original: Buffer, random: SeededRandom): Buffer {
  const copy = Buffer.from(original);
  for (let count = random.int(1, 8); count > 0; count--) copy[random.int(0, copy.length - 1)] = random.int(0, 255);
  return copy;
}
