// An app on one node, asked through another: two real ingress processes with certificates of one house, and 734 between them.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import type net from "node:net";
import { after, before, describe, test } from "node:test";
import type { HttpRoute, StreamRoute, Table } from "../../src/api/table.ts";
import { at, startHouse, type AcrossHouse, type AcrossNode } from "../support/across.ts";
import { freePort, get, soon, startApp, tableOf } from "../support/ingress.ts";
import { addressesIn, askTcp, askUdp, startNameServer } from "../support/name-server.ts";
import { startTcpApp, startUdpApp, streamTable, talk, tcpClient, udpClient } from "../support/streams.ts";
import { until } from "../support/until.ts";

describe("an app on another node", () => {
  let house: AcrossHouse;
  let near: AcrossNode;
  let far: AcrossNode;
  before(async () => {
    house = await startHouse(["near", "far"]);
    [near, far] = house.nodes as [AcrossNode, AcrossNode];
  });
  after(() => house.stop());

  const both = async (table: Pick<Table, "http"> | Pick<Table, "streams">): Promise<void> => {
    await Promise.all([near.serve(table), far.serve(table)]);
  };
  const route = (ports: readonly number[], more: Partial<HttpRoute> = {}): Pick<Table, "http"> => ({
    http: tableOf([], { backends: ports.map((port) => at(far, port)), holdMs: 0, ...more }).http,
  });
  const connections = async (node: AcrossNode, direction: "in" | "out"): Promise<number> =>
    Number(new RegExp(`fossora_mesh_connections\\{direction="${direction}"\\} (\\d+)`).exec(await node.metrics())?.[1]);

  test("answers with the client's own address in its headers, whatever the client claims", async () => {
    const app = await startApp((request, response) => response.end(JSON.stringify(request.headers)));
    await both(route([app.port]));
    const answer = await get(near.httpPort, {
      localAddress: "127.0.0.9",
      headers: { "X-Forwarded-For": "6.6.6.6", "X-Real-IP": "6.6.6.6" },
    });
    const headers = JSON.parse(answer.body) as Record<string, string>;
    assert.deepEqual(
      [headers["x-forwarded-for"], headers["x-real-ip"], headers["host"]],
      ["127.0.0.9", "127.0.0.9", "hello.home.internal"],
    );
    app.stop();
  });

  test("keeps its connections for what follows", async () => {
    let opened = 0;
    const app = await startApp();
    app.server.on("connection", () => (opened += 1));
    await both(route([app.port]));
    for (let round = 0; round < 20; round += 1) assert.equal((await get(near.httpPort)).body, "hello\n");
    assert.ok(opened <= 2, `${opened} connections for 20 requests`);
    app.stop();
  });

  test("that closes its connection is asked on a new one", async () => {
    const app = await startApp();
    app.server.keepAliveTimeout = 1;
    app.server.keepAliveTimeoutBuffer = 1;
    await both(route([app.port]));
    const before = await connections(near, "out");
    await Promise.all(Array.from({ length: 10 }, () => get(near.httpPort)));
    await until("those that were closed are gone", async () => (await connections(near, "out")) <= before + 2);
    assert.equal((await get(near.httpPort)).status, 200);
    app.stop();
  });

  test("hears a body to its end, and is heard to the end of its answer", async () => {
    const app = await startApp((request, response) => request.pipe(response));
    await both(route([app.port]));
    const body = "fossora ".repeat(500_000);
    assert.equal((await get(near.httpPort, { method: "POST", body })).body, body);
    app.stop();
  });

  test("that breaks off in the middle is not taken for one that has ended", async () => {
    const app = await startApp((_request, response) => {
      response.write("half");
      setTimeout(() => response.socket?.resetAndDestroy(), 50);
    });
    await both(route([app.port]));
    await assert.rejects(get(near.httpPort));
    app.stop();
  });

  test("is another one's in turn when it does not answer, within the same request", async () => {
    const [app, nobody] = await Promise.all([startApp(), freePort()]);
    await both(route([nobody, app.port]));
    for (const method of ["GET", "POST"])
      for (let round = 0; round < 4; round += 1)
        assert.equal((await get(near.httpPort, { method, ...(method === "POST" && { body: "x" }) })).status, 200);
    app.stop();
  });

  test("of which the other node's table knows nothing is not reached: nobody is led anywhere else", async () => {
    const app = await startApp();
    await near.serve(route([app.port]));
    await far.serve(route([]));
    assert.equal((await get(near.httpPort)).status, 502);
    // A Route that leads out of the house is each node's own affair.
    await far.serve(route([], { backends: [{ ...at(far, app.port), instance: "" }] }));
    assert.equal((await get(near.httpPort)).status, 502);
    await far.serve(route([], { backends: [{ ...at(far, app.port), node: "near" }] }));
    assert.equal((await get(near.httpPort)).status, 502);
    app.stop();
  });

  test("that moves is waited for", async () => {
    const [app, nobody] = await Promise.all([startApp(), freePort()]);
    await both(route([nobody], { holdMs: 10_000 }));
    const waiting = [get(near.httpPort), get(near.httpPort, { method: "POST", body: "x" })];
    await until("they wait", async () => /fossora_http_held 2/.test(await near.metrics()));
    await both(route([app.port], { holdMs: 10_000 }));
    for (const { status } of await Promise.all(waiting)) assert.equal(status, 200);
    app.stop();
  });

  test("speaks WebSocket and server-sent events", async () => {
    const app = await startApp((_request, response) => {
      response.writeHead(200, { "Content-Type": "text/event-stream" });
      response.write("data: one\n\n");
      setTimeout(() => response.end("data: two\n\n"), 20);
    });
    app.server.on("upgrade", (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      socket.pipe(socket);
    });
    await both(route([app.port]));
    assert.equal((await get(near.httpPort)).body, "data: one\n\ndata: two\n\n");
    const request = http.get({
      port: near.httpPort,
      headers: { Host: "hello.home.internal", Connection: "Upgrade", Upgrade: "websocket", "Sec-WebSocket-Version": "13" },
    });
    const [, socket] = (await once(request, "upgrade")) as [unknown, net.Socket];
    socket.write("echo");
    assert.equal(String((await once(socket, "data"))[0]), "echo");
    socket.destroy();
    app.stop();
  });

  test("takes raw TCP with an end of its own for each side, and the client's address before it if asked", async () => {
    await using app = await startTcpApp((socket) => {
      const chunks: Buffer[] = [];
      socket.on("data", (chunk: Buffer) => chunks.push(chunk));
      socket.on("end", () => socket.end(Buffer.concat(chunks)));
    });
    const port = await freePort();
    const raw = (more: Partial<StreamRoute>) =>
      both({ streams: streamTable("tcp", port, [], { backends: [at(far, app.port)], address: "127.0.0.1", ...more }).streams });
    await raw({ address: near.address });
    const sent = Buffer.alloc(5_000_000, "fossora ");
    assert.ok((await talk(port, sent)).equals(sent));
    await raw({ address: near.address, proxyProtocol: "v1" });
    assert.match(String(await talk(port, Buffer.from("x"))), new RegExp(`^PROXY TCP4 127.0.0.1 127.0.0.1 \\d+ ${port}\r\nx$`));
  });

  test("that resets a raw connection resets it for the client", async () => {
    await using app = await startTcpApp((socket) => socket.once("data", () => socket.resetAndDestroy()));
    const port = await freePort();
    await both({ streams: streamTable("tcp", port, [], { backends: [at(far, app.port)], address: near.address }).streams });
    const client = await tcpClient(port);
    const ended = new Promise<unknown>((done) => client.once("error", done).once("end", () => done("ended")));
    client.write("x");
    client.resume();
    assert.match(String(await ended), /ECONNRESET/);
  });

  test("takes datagrams of many clients, and answers each of them", async () => {
    await using app = await startUdpApp((packet) => `heard ${packet.toString()}`);
    const port = await freePort();
    await both({ streams: streamTable("udp", port, [], { backends: [at(far, app.port)], address: near.address }).streams });
    const clients = await Promise.all(Array.from({ length: 20 }, () => udpClient()));
    for (const [index, client] of clients.entries()) for (const word of ["a", "b"]) client.send(`${word}${index}`, port);
    await until("all were answered", () => clients.every(({ heard }) => heard.length === 2));
    for (const [index, client] of clients.entries()) assert.deepEqual([...client.heard].sort(), [`heard a${index}`, `heard b${index}`]);
    assert.equal(app.clients.size, 20);
    for (const client of clients) await client[Symbol.asyncDispose]();
  });

  test("is asked for names outside in people's stead, over UDP and TCP", async () => {
    const nameServer = await startNameServer();
    const upstream = { host: "127.0.0.1", port: nameServer.port, isApp: true, node: "far", instance: "pihole-aaaa" };
    const table = { resolver: { serve: ["lan" as const], upstreams: [upstream] } };
    await Promise.all([near.serve(table), far.serve(table)]);
    for (const ask of [askUdp, askTcp, askUdp])
      assert.deepEqual(addressesIn(await ask(near.dnsPort, "example.com", { from: "127.0.0.50" })), ["203.0.113.7"]);
    assert.equal(nameServer.asked.length, 3);
    nameServer.stop();
  });

  test("is cut off when its node is removed from the house, from what is open and from what is new, and goes on when it is back", async () => {
    await using app = await startTcpApp((socket) => socket.pipe(socket));
    const [web, port] = await Promise.all([startApp(), freePort()]);
    const { streams } = streamTable("tcp", port, [], { backends: [at(far, app.port)], address: near.address });
    for (const node of [near, far]) await node.serve({ ...route([web.port]), streams });
    const open = async () => {
      const client = await tcpClient(port);
      client.on("error", () => undefined);
      client.write("x");
      await once(client, "data");
      return client;
    };
    for (const node of [near, far]) {
      const client = await open();
      const closed = new Promise((done) => client.once("close", done));
      await node.use({ mesh: { ...node.mesh, removed: [node === near ? far.nodeId : near.nodeId] } });
      await closed;
      await until("nothing is left open", async () => (await connections(node, node === near ? "out" : "in")) === 0);
      assert.equal((await get(near.httpPort)).status, 502);
      await node.use({});
    }
    (await open()).destroy();
    assert.equal((await get(near.httpPort)).status, 200);
    web.stop();
  });

  test("that is on a dead node is given up at once, also by who waits for its answer", async () => {
    const app = await startApp(() => undefined);
    await both(route([app.port]));
    const waiting = get(near.httpPort, { method: "POST", body: "x" });
    await until("it is under way", async () => /fossora_http_open_requests\{route="hello"\} 1/.test(await near.metrics()));
    await near.serve({ ...route([]), down: ["far"] });
    assert.equal((await waiting).status, 502);
    // It may be back at any moment, and says so when it is asked.
    assert.equal(await near.client.ping({ node: "far", limitMs: 5_000 }, soon()), true);
    app.stop();
  });

  test("that is lost with its node is asked elsewhere for what may be said twice, at once or as soon as it runs again", async () => {
    let heard = 0;
    const [silent, app] = await Promise.all([startApp(() => void (heard += 1)), startApp()]);
    const { http: here } = tableOf([], { backends: [at(near, app.port)], holdMs: 10_000 });
    for (const waits of [false, true]) {
      await both(route([silent.port], { holdMs: 10_000 }));
      const asked = [get(near.httpPort), get(near.httpPort, { method: "HEAD" }), get(near.httpPort, { method: "POST", body: "x" })];
      await until("it heard all of them", () => heard === 3);
      heard = 0;
      if (waits) await near.serve({ ...route([], { holdMs: 10_000 }), down: ["far"] });
      if (waits) await until("they are held", async () => /fossora_http_held 2/.test(await near.metrics()));
      await near.serve({ http: here, down: ["far"] });
      assert.deepEqual(
        (await Promise.all(asked)).map(({ status }) => status),
        [200, 200, 502],
      );
    }
    silent.stop();
    app.stop();
  });

  test("is known to be asked until nobody waits for it any more and no table leads to it", async () => {
    const answers: http.ServerResponse[] = [];
    const app = await startApp((_request, response) => answers.push(response));
    await both(route([app.port]));
    const waiting = get(near.httpPort);
    await until("it is asked", () => answers.length === 1);
    await both(route([]));
    for (const node of [near, far]) assert.deepEqual(await node.client.busy(soon()), ["app-far"]);
    answers[0]?.end("late");
    assert.equal((await waiting).body, "late");
    // Otherwise the connection would be kept for what follows.
    for (const node of [near, far])
      await until("nobody has anything to do with it", async () => (await node.client.busy(soon())).length === 0);
    await both(route([app.port]));
    const next = get(near.httpPort);
    await until("it is asked again", () => answers.length === 2);
    answers[1]?.end();
    await next;
    assert.deepEqual(await far.client.busy(soon()), ["app-far"], "whoever asks next is led there");
    await far.serve(route([]));
    assert.deepEqual(await far.client.busy(soon()), ["app-far"], "the other node keeps its connection");
    await near.serve(route([]));
    await until("it is not kept any more", async () => (await far.client.busy(soon())).length === 0);
    app.stop();
  });

  test("loses no request when either ingress hands over to another build", async () => {
    const app = await startApp((request, response) => request.pipe(response));
    await both(route([app.port]));
    const statuses = { 200: 0 } as Record<number, number>;
    let over = false;
    const agent = new http.Agent({ keepAlive: true });
    const asking = ["GET", "POST", "GET"].map(async (method) => {
      while (!over) {
        const { status } = await get(near.httpPort, { method, agent, ...(method === "POST" && { body: "x" }) });
        statuses[status] = (statuses[status] ?? 0) + 1;
      }
    });
    for (const node of [far, near]) {
      const before = statuses[200] ?? 0;
      await node.client.handover(node.program, soon());
      await until("more were answered", () => (statuses[200] ?? 0) > before + 50);
    }
    over = true;
    await Promise.all(asking);
    agent.destroy();
    assert.deepEqual(Object.keys(statuses), ["200"], JSON.stringify(statuses));
    app.stop();
  });

  test("is reached with a certificate of the house alone, and that of an ingress", async () => {
    const app = await startApp();
    await both(route([app.port]));
    await near.use({ mesh: { ...house.stranger, addresses: [near.address], ports: [near.meshPort] } });
    assert.equal((await get(near.httpPort)).status, 502);
    await near.use({});
    assert.equal((await get(near.httpPort)).status, 200);
    app.stop();
  });
});

describe("an app on two other nodes", () => {
  let house: AcrossHouse;
  let near: AcrossNode;
  let one: AcrossNode;
  let two: AcrossNode;
  before(async () => {
    house = await startHouse(["near", "one", "two"]);
    [near, one, two] = house.nodes as [AcrossNode, AcrossNode, AcrossNode];
  });
  after(() => house.stop());

  const httpOf = (backends: HttpRoute["backends"]): readonly HttpRoute[] => tableOf([], { backends, holdMs: 10_000 }).http;

  test("is asked there in turn, and where it runs at home first", async () => {
    const [first, second, home] = await Promise.all(
      ["one", "two", "home"].map((text) => startApp((_request, response) => response.end(text))),
    );
    assert(first && second && home);
    const backends = [at(one, first.port), at(two, second.port)];
    for (const node of house.nodes) await node.serve({ http: httpOf(backends) });
    const heard = new Map<string, number>();
    for (let round = 0; round < 10; round += 1) {
      const { body } = await get(near.httpPort);
      heard.set(body, (heard.get(body) ?? 0) + 1);
    }
    assert.deepEqual([heard.get("one"), heard.get("two")], [5, 5]);
    await near.serve({ http: httpOf([...backends, at(near, home.port)]) });
    for (let round = 0; round < 4; round += 1) assert.equal((await get(near.httpPort)).body, "home");
    for (const app of [first, second, home]) app.stop();
  });

  test("answers from the other node when one freezes in the middle of a request, once that is known", async () => {
    const [first, second] = await Promise.all(["one", "two"].map((text) => startApp((_request, response) => response.end(text))));
    assert(first && second);
    const backends = [at(one, first.port), at(two, second.port)];
    for (const node of house.nodes) await node.serve({ http: httpOf(backends) });
    for (let round = 0; round < 4; round += 1) await get(near.httpPort);
    one.child.kill("SIGSTOP");
    try {
      const waiting = Promise.all(Array.from({ length: 4 }, () => get(near.httpPort)));
      await until("some wait for it", async () => /fossora_http_open_requests\{route="hello"\} [12]/.test(await near.metrics()));
      await near.serve({ http: httpOf(backends.slice(1)), down: ["one"] });
      assert.deepEqual(
        (await waiting).map(({ status, body }) => `${status} ${body}`),
        Array.from({ length: 4 }, () => "200 two"),
      );
    } finally {
      one.child.kill("SIGCONT");
    }
    for (const node of house.nodes) await node.serve({ http: httpOf(backends.slice(0, 1)) });
    assert.equal((await get(near.httpPort)).body, "one");
    for (const app of [first, second]) app.stop();
  });

  test("answers from the other node when the ingress of one is gone", async () => {
    const [first, second] = await Promise.all(["one", "two"].map((text) => startApp((_request, response) => response.end(text))));
    assert(first && second);
    const backends = [at(one, first.port), at(two, second.port)];
    for (const node of house.nodes) await node.serve({ http: httpOf(backends) });
    for (let round = 0; round < 4; round += 1) await get(near.httpPort);
    one.child.kill("SIGKILL");
    for (let round = 0; round < 6; round += 1) assert.equal((await get(near.httpPort)).status, 200);
    await one.start();
    for (const node of house.nodes) await node.serve({ http: httpOf(backends.slice(0, 1)) });
    await until("it answers again", async () => (await get(near.httpPort)).body === "one");
    for (const app of [first, second]) app.stop();
  });
});
