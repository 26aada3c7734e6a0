import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { test, type TestContext } from "node:test";
import { startUdpApp } from "../../../test/support/streams.ts";
import { until } from "../../../test/support/until.ts";
import { NoRoom } from "../../api/errors.ts";
import type { DatagramSession } from "../../ports.ts";
import { DatagramReader } from "./datagram-frames.ts";
import { DatagramTunnel } from "./way-datagram-tunnel.ts";
import { serveDatagrams } from "./way-datagrams.ts";

/** Two ends of a connection, without the TLS of the way. */
async function connection(t: TestContext): Promise<{ readonly near: net.Socket; readonly far: net.Socket }> {
  const server = net.createServer({ pauseOnConnect: true }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo; // a TCP server has no other kind of address
  const near = net.connect(port, "127.0.0.1").pause();
  const [far] = (await once(server, "connection")) as [net.Socket];
  for (const socket of [near, far]) socket.on("error", () => socket.destroy());
  t.after(() => {
    near.destroy();
    far.destroy();
    server.close();
  });
  return { near, far };
}

const nobody: DatagramSession = { message: () => undefined, closed: () => undefined };

test("that a session is over is told even where datagrams find no room, and of one that was never told of nothing is", async (t) => {
  const { near, far } = await connection(t);
  const tunnel = new DatagramTunnel({ connect: async () => near, ended: () => undefined });
  const told = tunnel.open(nobody);
  await until("it is open", () => near.listenerCount("data") > 0);
  const datagram = Buffer.alloc(60_000);
  let written = 0;
  await until("nothing more finds room", () => {
    const before = near.bytesWritten;
    for (let count = 0; count < 100; count += 1) told.send(datagram);
    written = near.bytesWritten;
    return written === before;
  });
  const late = tunnel.open(nobody);
  late.send(datagram);
  assert.equal(near.bytesWritten, written);
  late.close();
  told.close();
  const reader = new DatagramReader();
  const ended: number[] = [];
  const sessions = new Set<number>();
  far.on("data", (chunk: Buffer) => {
    for (const { session, kind } of reader.push(chunk)) {
      sessions.add(session);
      if (kind === "over") ended.push(session);
    }
  });
  far.resume();
  await until("its end is heard", () => ended.length > 0);
  assert.deepEqual([ended, [...sessions]], [[1], [1]]);
});

test("who finds no place at the other end is told so, and not that nobody listens there", async (t) => {
  const { near, far } = await connection(t);
  await using app = await startUdpApp();
  serveDatagrams(far, { instance: "app-aaaa", host: "127.0.0.1", port: app.port, protocol: "udp" });
  const tunnel = new DatagramTunnel({ connect: async () => near, ended: () => undefined });
  let answered = 0;
  const say = (session: DatagramSession): void => tunnel.open(session).send(Buffer.from("x"));
  say({ ...nobody, message: () => (answered += 1) });
  await until("it is open", () => answered > 0);
  for (let count = 1; count < 1024; count += 1) say(nobody);
  const refused = new Promise<Error>((done) => say({ ...nobody, closed: done }));
  assert.ok((await refused) instanceof NoRoom);
});

test("it takes no new sessions after five minutes, and those that it has go on", async (t) => {
  let nowMs = 0;
  t.mock.method(performance, "now", () => nowMs);
  const { near, far } = await connection(t);
  const tunnel = new DatagramTunnel({ connect: async () => near, ended: () => undefined });
  const session = tunnel.open(nobody);
  nowMs = 5 * 60_000 - 1;
  assert.equal(tunnel.takesSessions, true);
  nowMs += 1;
  assert.equal(tunnel.takesSessions, false);
  session.send(Buffer.from("x"));
  const [chunk] = (await once(far.resume(), "data")) as [Buffer];
  assert.equal(String(new DatagramReader().push(chunk)[0]?.data), "x");
});
