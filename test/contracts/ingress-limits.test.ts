// Clients that take their time: who is slow on purpose is let go, who only waits for the app is not.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { describe, test, type TestContext } from "node:test";
import { startFront } from "../support/front.ts";
import { get } from "../support/ingress.ts";
import { disposableApp, openWebSocket, rawRequest, upgradeRequest, webSocketApp, withLimit } from "../support/proxy.ts";
import { until } from "../support/until.ts";
import { startBareProxy } from "./ingress-bare.ts";

const limits = { headMs: 200, bodyIdleMs: 200, lingerMs: 200 };
const head = (lines: string): string => `POST / HTTP/1.1\r\nHost: hello\r\n${lines}\r\n`;

interface Client {
  readonly socket: net.Socket;
  readonly heard: string;
  readonly closed: Promise<unknown>;
}

function connect(port: number): Client {
  const socket = net.connect(port, "127.0.0.1");
  let heard = "";
  socket.on("data", (chunk) => (heard += String(chunk)));
  socket.on("error", () => undefined);
  return {
    socket,
    get heard() {
      return heard;
    },
    // Not `once`, which fails for a connection that is reset.
    closed: new Promise((done) => socket.on("close", done)),
  };
}

/** The proxy's own clock: this long it waits for a head three times over. */
async function limitsPass(port: number): Promise<void> {
  for (let round = 0; round < 3; round += 1) assert.match(await rawRequest(port, "GET / HTTP/1.1\r\n"), /^HTTP\/1\.1 408/);
}

/** A byte now and then, as long as somebody listens. */
function trickle(socket: net.Socket, text: string): void {
  let at = 0;
  const timer = setInterval(() => socket.write(text[at++ % text.length] ?? ""), 20);
  socket.on("close", () => clearInterval(timer));
}

/** Node's own limit for a whole request, five minutes, made as short as a test can wait for. */
const requestTimeoutMs = 400;

function shortenNodesLimit(t: TestContext): void {
  const createServer = http.createServer.bind(http);
  t.mock.method(http, "createServer", (options: http.ServerOptions | http.RequestListener, listener?: http.RequestListener) =>
    typeof options === "function" ? createServer(options) : createServer({ requestTimeout: requestTimeoutMs, ...options }, listener),
  );
}

/** Takes three times as long as Node's limit. */
async function slowUpload(port: number): Promise<string> {
  const slow = connect(port);
  slow.socket.write(head("Content-Length: 60\r\nConnection: close\r\n"));
  trickle(slow.socket, "x");
  await withLimit(slow.closed);
  return slow.heard;
}

describe("a client that takes its time", () => {
  test("gets 408 for a head that does not end, byte by byte, and the app hears nothing", async () => {
    let asked = 0;
    await using app = await disposableApp((_request, response) => {
      asked += 1;
      response.end("hello");
    });
    await using front = await startFront(app.port, limits);
    const slow = connect(front.port);
    slow.socket.write("GET / HTTP/1.1\r\nHost: hello\r\nX: ");
    trickle(slow.socket, "x");
    const mute = connect(front.port);
    await withLimit(Promise.all([slow.closed, mute.closed]));
    assert.match(slow.heard, /^HTTP\/1\.1 408/);
    assert.equal(asked, 0);
    assert.equal((await get(front.port)).body, "hello");
  });

  test("gets 408 for a second head that does not end, after the first answer", async () => {
    await using app = await disposableApp();
    await using front = await startFront(app.port, limits);
    const slow = connect(front.port);
    slow.socket.write("GET / HTTP/1.1\r\nHost: hello\r\n\r\nGET /");
    trickle(slow.socket, "x");
    await withLimit(slow.closed);
    assert.match(slow.heard, /^HTTP\/1\.1 200[^]*hello\n(HTTP\/1\.1 408[^]*)?$/);
  });

  test("gets 408 for a body that stops, with a length and in chunks, and the app does not wait for it", async () => {
    for (const lines of ["Content-Length: 100\r\n", "Transfer-Encoding: chunked\r\n"]) {
      let aborted = 0;
      await using app = await disposableApp((request) => {
        request.on("error", () => (aborted += 1));
        request.resume();
      });
      await using front = await startFront(app.port, limits);
      const slow = connect(front.port);
      slow.socket.write(`${head(lines)}5\r\n`);
      await withLimit(slow.closed);
      assert.match(slow.heard, /^HTTP\/1\.1 408/);
      await until("the app saw it", () => aborted === 1);
    }
  });

  test("is waited for while its body comes, however slowly, and however short Node's own limit is", async (t) => {
    shortenNodesLimit(t);
    await using app = await disposableApp((request, response) => void request.resume().on("end", () => response.end("whole")));
    await using front = await startFront(app.port, limits);
    assert.match(await slowUpload(front.port), /^HTTP\/1\.1 200[^]*whole$/);
    using bare = await startBareProxy(app.port, { requestTimeoutMs });
    assert.doesNotMatch(await slowUpload(bare.port), /whole/, "which ends an upload without the wrapper");
  });

  test("is not to blame when it is the app that does not read", async () => {
    const bytes = 20_000_000;
    let asked: http.IncomingMessage | undefined;
    await using app = await disposableApp((request, response) => {
      asked = request;
      request.on("end", () => response.end("whole"));
    });
    await using front = await startFront(app.port, limits);
    const client = connect(front.port);
    client.socket.write(head(`Content-Length: ${bytes}\r\nConnection: close\r\n`));
    client.socket.write(Buffer.alloc(bytes));
    await until("the app was asked", () => asked);
    await limitsPass(front.port);
    asked?.resume();
    await withLimit(client.closed);
    assert.match(client.heard, /^HTTP\/1\.1 200[^]*whole$/);
  });

  test("whose body still has not come some time after the answer loses its connection", async () => {
    await using app = await disposableApp((_request, response) => response.writeHead(413).end("no"));
    await using front = await startFront(app.port, { ...limits, bodyIdleMs: 60_000 });
    const slow = connect(front.port);
    slow.socket.write(head("Content-Length: 1000000\r\n"));
    trickle(slow.socket, "x");
    await withLimit(slow.closed);
    assert.match(slow.heard, /^HTTP\/1\.1 413[^]*no/);
  });

  test("waits for a slow answer, an event stream and a WebSocket as long as they take", async () => {
    const answers: http.ServerResponse[] = [];
    await using app = await webSocketApp(
      (socket) => socket.pipe(socket),
      (request, response) => {
        if (request.url === "/events") response.write("first ");
        answers.push(response);
      },
    );
    await using front = await startFront(app.port, limits);
    const waiting = [get(front.port), get(front.port, { path: "/events" })];
    const socket = await openWebSocket(front.port);
    await until("the app was asked", () => answers.length === 2);
    await limitsPass(front.port);
    for (const answer of answers) answer.end("last");
    assert.deepEqual((await withLimit(Promise.all(waiting))).map(({ body }) => body).toSorted(), ["first last", "last"]);
    socket.write("echo");
    assert.equal(String((await withLimit(once(socket, "data")))[0]), "echo");
    socket.destroy();
  });

  test("over its body has the route's time for an answer from its last byte on", async () => {
    await using app = await disposableApp((request, response) => void request.resume().on("end", () => response.end("whole")));
    await using front = await startFront(app.port, limits, { responseTimeoutMs: 200 });
    const slow = connect(front.port);
    slow.socket.write(head("Content-Length: 60\r\nConnection: close\r\n"));
    trickle(slow.socket, "x");
    await withLimit(slow.closed);
    assert.match(slow.heard, /^HTTP\/1\.1 200[^]*whole$/);
    await using mute = await disposableApp((request) => void request.resume());
    await using other = await startFront(mute.port, limits, { responseTimeoutMs: 200 });
    assert.equal((await withLimit(get(other.port, { method: "POST", body: "x" }))).status, 504);
  });

  test("and leaves while somebody is asked whether it may come in is gone for the app too", async () => {
    let asked = 0;
    await using app = await disposableApp((_request, response) => {
      asked += 1;
      response.write("endless");
    });
    const waiting: http.ServerResponse[] = [];
    await using auth = await disposableApp((_request, response) => void waiting.push(response));
    await using front = await startFront(app.port, limits, { forwardAuth: { url: `http://127.0.0.1:${auth.port}/`, headers: [] } });
    const gone = connect(front.port);
    gone.socket.write("GET / HTTP/1.1\r\nHost: hello\r\n\r\n");
    await until("somebody is asked", () => waiting.length === 1);
    gone.socket.resetAndDestroy();
    await limitsPass(front.port);
    waiting[0]?.end();
    const next = connect(front.port);
    next.socket.write("GET / HTTP/1.1\r\nHost: hello\r\n\r\n");
    (await until("somebody is asked again", () => waiting[1])).end();
    await until("the next one hears the app", () => next.heard.includes("endless"));
    assert.equal(asked, 1, "only the next one came to the app");
    next.socket.destroy();
  });

  for (const early of ["", "early"]) {
    test(`and leaves before its upgrade is answered is gone for the app too, ${early === "" ? "having said nothing" : "whatever it said"}`, async () => {
      const asked: net.Socket[] = [];
      let closed = 0;
      await using app = await disposableApp();
      app.server.on("upgrade", (_request, stream) => {
        const socket = stream as net.Socket; // what an http.Server of plain TCP hands over
        asked.push(socket);
        socket
          .on("error", () => undefined)
          .on("end", () => socket.destroy())
          .on("close", () => (closed += 1))
          .resume();
      });
      await using front = await startFront(app.port, limits);
      for (const leave of ["end", "resetAndDestroy"] as const) {
        const client = connect(front.port);
        client.socket.write(upgradeRequest + early);
        await until("the app was asked", () => asked.length > closed);
        client.socket[leave]();
        await until("the app saw it", () => closed === asked.length);
      }
      assert.equal(closed, 2);
    });
  }

  test("may not have any number of requests wait on one connection", async () => {
    let asked = 0;
    await using app = await disposableApp(() => void (asked += 1));
    await using front = await startFront(app.port, limits);
    const flood = connect(front.port);
    flood.socket.write("GET / HTTP/1.1\r\nHost: hello\r\n\r\n".repeat(102));
    await withLimit(flood.closed);
    assert.ok(asked <= 1);
    assert.deepEqual(front.errors, []);
  });

  test("may not have heads of any length wait on one connection, and a few of them do", async () => {
    const answers: http.ServerResponse[] = [];
    await using app = await disposableApp((_request, response) => answers.push(response));
    await using front = await startFront(app.port, limits);
    const long = `GET / HTTP/1.1\r\nHost: hello\r\nCookie: ${"x".repeat(14_000)}\r\n\r\n`;
    const client = connect(front.port);
    client.socket.write(long.repeat(3));
    for (let round = 0; round < 3; round += 1) {
      await until("it is asked", () => answers.length > round);
      answers[round]?.end(`answer ${round}`);
    }
    await until("all are answered", () => client.heard.includes("answer 2"));
    const flood = connect(front.port);
    flood.socket.write(long.repeat(12));
    await withLimit(flood.closed);
    assert.equal(flood.heard, "");
    client.socket.destroy();
    assert.deepEqual(front.errors, []);
  });

  test("may not open any number of connections, and makes room when it goes", async () => {
    await using app = await webSocketApp((socket) => socket.pipe(socket));
    await using front = await startFront(app.port, { ...limits, connectionsMax: 3 });
    const open = [await openWebSocket(front.port), await openWebSocket(front.port), await openWebSocket(front.port)];
    const refused = connect(front.port);
    await withLimit(refused.closed);
    assert.equal(refused.heard, "");
    open[0]?.destroy();
    (await until("there is room again", () => openWebSocket(front.port))).destroy();
    for (const socket of open) socket.destroy();
  });

  test("and loses its power meanwhile is asked for by the kernel, as the app is", async () => {
    const answers: http.ServerResponse[] = [];
    await using app = await webSocketApp(
      () => undefined,
      (_request, response) => void answers.push(response),
    );
    await using front = await startFront(app.port, limits);
    const waiting = get(front.port);
    const socket = await openWebSocket(front.port);
    await until("the app was asked", () => answers[0]);
    const sides = `( sport = :${front.port} or dport = :${app.port} )`;
    const connections = execFileSync("ss", ["-Htno", "state", "established", sides], { encoding: "utf8" }).trim().split("\n");
    assert.ok(connections.length >= 4, connections.join("\n"));
    for (const line of connections) assert.match(line, /timer:\(keepalive,/);
    answers[0]?.end();
    await waiting;
    socket.destroy();
  });
});
