// WebSockets through the ingress, with the client and the server that most apps have.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type net from "node:net";
import { after, before, describe, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { until } from "../support/until.ts";

describe("WebSockets through the ingress", () => {
  let ingress: TestIngress;
  let server: http.Server;
  let sockets: WebSocketServer;
  before(async () => {
    ingress = await startIngress();
    server = http.createServer().listen(0, "127.0.0.1");
    await once(server, "listening");
    sockets = new WebSocketServer({ server, perMessageDeflate: { threshold: 0 }, handleProtocols: (names) => [...names][0] ?? false });
    sockets.on("connection", (socket) => {
      socket.on("error", () => undefined);
      socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
    });
    await ingress.client.putTable(tableOf([(server.address() as net.AddressInfo).port]), soon());
  });
  after(async () => {
    for (const socket of sockets.clients) socket.terminate();
    server.close();
    await ingress.stop();
  });

  async function open(protocol: readonly string[] = []): Promise<WebSocket> {
    const socket = new WebSocket(`ws://127.0.0.1:${ingress.httpPort}/socket?x=y`, [...protocol], { headers: { Host: "hello" } });
    socket.on("error", () => undefined);
    await once(socket, "open");
    return socket;
  }
  const heard = async (socket: WebSocket): Promise<Buffer> => ((await once(socket, "message")) as [Buffer])[0];

  test("messages are compressed, in pieces, of text and bytes, small and large", async () => {
    const socket = await open(["chat"]);
    assert.equal(socket.protocol, "chat");
    assert.match(socket.extensions, /permessage-deflate/);
    socket.send("first ", { fin: false });
    socket.send("and last", { fin: true });
    assert.equal(String(await heard(socket)), "first and last");
    const large = Buffer.from(Array.from({ length: 3_000_000 }, (_, index) => (index * 7919) % 251));
    socket.send(large, { compress: false });
    assert.deepEqual(await heard(socket), large);
    socket.send("");
    assert.equal((await heard(socket)).length, 0);
    socket.close();
  });

  test("pings are answered by the other end, and a close says why", async () => {
    const socket = await open();
    socket.ping("are you there");
    assert.equal(String((await once(socket, "pong"))[0]), "are you there");
    const closed = new Promise<readonly [number, string]>((done) => {
      for (const each of sockets.clients) each.once("close", (code, reason) => done([code, String(reason)]));
    });
    socket.close(4001, "enough");
    assert.deepEqual(await closed, [4001, "enough"]);
  });

  test("who is cut off at one end is cut off at the other", async () => {
    await until("no others are open", () => sockets.clients.size === 0);
    const first = await open();
    first.terminate();
    await until("the app's end is gone", () => sockets.clients.size === 0);
    const second = await open();
    for (const socket of sockets.clients) socket.terminate();
    assert.equal((await once(second, "close"))[0], 1006);
  });

  test("a thousand are open at once, each of which hears its own, and leave nothing behind", async () => {
    const all: WebSocket[] = [];
    for (let round = 0; round < 20; round += 1) all.push(...(await Promise.all(Array.from({ length: 50 }, () => open()))));
    assert.equal(sockets.clients.size, 1000);
    const answers = all.map((socket, index) => {
      socket.send(String(index));
      return heard(socket);
    });
    assert.deepEqual(
      (await Promise.all(answers)).map(String),
      all.map((_, index) => String(index)),
    );
    for (const [index, socket] of all.entries()) {
      if (index % 2 === 0) socket.terminate();
      else socket.close();
    }
    await until("all are gone", () => sockets.clients.size === 0);
  });
});
