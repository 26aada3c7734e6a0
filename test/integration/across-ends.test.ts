// How what is under way to another node ends when that node's ingress does, and what of it somebody waits for: real ingress processes.
import assert from "node:assert/strict";
import { once } from "node:events";
import type net from "node:net";
import { after, before, describe, test } from "node:test";
import type { HttpRoute } from "../../src/api/table.ts";
import { at, startHouse, type AcrossHouse, type AcrossNode } from "../support/across.ts";
import { freePort, get, soon, tableOf } from "../support/ingress.ts";
import { openWebSocket, webSocketApp } from "../support/proxy.ts";
import { startTcpApp, streamTable, tcpClient } from "../support/streams.ts";
import { until } from "../support/until.ts";

describe("what is under way to another node", () => {
  let house: AcrossHouse;
  let near: AcrossNode;
  let far: AcrossNode;
  before(async () => {
    house = await startHouse(["near", "far"]);
    [near, far] = house.nodes as [AcrossNode, AcrossNode];
  });
  after(() => house.stop());

  const httpTo = (port: number): readonly HttpRoute[] => tableOf([], { backends: [at(far, port)], holdMs: 0 }).http;
  const streamsTo = (port: number, appPort: number) =>
    streamTable("tcp", port, [], { backends: [at(far, appPort)], address: near.address }).streams;

  test("is not waited for when it is a WebSocket or raw TCP", async () => {
    await using web = await webSocketApp(
      (socket) => socket.pipe(socket),
      () => undefined,
    );
    await using raw = await startTcpApp((socket) => socket.pipe(socket));
    const port = await freePort();
    for (const node of [near, far]) await node.serve({ http: httpTo(web.port), streams: streamsTo(port, raw.port) });
    const [socket, stream] = [await openWebSocket(near.httpPort), await tcpClient(port)];
    stream.write("x");
    await once(stream, "data");
    // No table leads there any more, else whoever asks next would be waited for.
    await far.serve({});
    assert.deepEqual(await far.client.busy(soon()), []);
    socket.destroy();
    stream.destroy();
  });

  test("is not taken for whole when the ingress there ends in the middle", async () => {
    const answers: net.Socket[] = [];
    await using half = await startTcpApp((socket) => {
      answers.push(socket);
      socket.once("data", () => socket.write("HTTP/1.0 200 OK\r\n\r\nhalf"));
    });
    let appHeard = "";
    await using raw = await startTcpApp((socket) => {
      socket.write("half");
      socket
        .on("error", (error: NodeJS.ErrnoException) => (appHeard = error.code ?? ""))
        .on("end", () => (appHeard = "end"))
        .resume();
    });
    const port = await freePort();
    for (const node of [near, far]) await node.serve({ http: httpTo(half.port), streams: streamsTo(port, raw.port) });
    const asked = assert.rejects(get(near.httpPort));
    const client = await tcpClient(port);
    const ended = new Promise((done) => client.once("error", done).once("end", () => done("end")));
    assert.equal(String((await once(client, "data"))[0]), "half");
    client.resume();
    await until("the app answers", () => answers.length > 0);
    const gone = once(far.child, "exit");
    far.child.kill("SIGTERM");
    assert.match(String(await ended), /ECONNRESET/);
    await asked;
    await gone;
    await until("the app has heard of it", () => appHeard !== "");
    assert.equal(appHeard, "ECONNRESET");
  });
});
