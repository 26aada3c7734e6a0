// What a proxy must do with HTTP/1, one case each: they hold for the ingress, and those marked break on http-proxy without its wrapper.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { get, startApp } from "../support/ingress.ts";
import { until } from "../support/until.ts";

export interface ProxyCase {
  readonly name: string;
  /** What http-proxy alone does. */
  readonly bare: "breaks" | "holds";
  /** `proxyTo` starts or points the proxy at an app and answers the proxy's port. */
  run(proxyTo: (appPort: number) => Promise<number>): Promise<void>;
}

/** Long enough for a busy machine; what takes this long hangs. */
const limitMs = 5000;

export const proxyCases: readonly ProxyCase[] = [
  {
    name: "a client that goes away takes its upstream request along",
    bare: "breaks",
    async run(proxyTo) {
      let closed = 0;
      await using app = await disposableApp((_request, response) => {
        response.write("endless");
        response.on("close", () => (closed += 1));
      });
      const port = await proxyTo(app.port);
      const request = http.get({ port, host: "127.0.0.1", agent: false, headers: { Host: "hello" } });
      const [response] = (await once(request, "response")) as [http.IncomingMessage];
      await once(response, "data");
      request.destroy();
      await until("the app saw it", () => closed === 1, limitMs);
    },
  },
  {
    name: "an app that dies in the middle of a body ends the client's request with an error",
    bare: "breaks",
    async run(proxyTo) {
      await using app = await disposableApp((request, response) => {
        if (request.url === "/whole") return void response.end("whole");
        response.writeHead(200, { "Content-Length": 1000 });
        return void response.write("half", () => response.socket?.destroy());
      });
      const port = await proxyTo(app.port);
      await assert.rejects(withLimit(get(port)), /aborted|ECONNRESET|hang up/);
      assert.equal((await get(port, { path: "/whole" })).body, "whole");
    },
  },
  {
    name: "an app that is not there is answered with 502, by a proxy that lives on",
    bare: "breaks",
    async run(proxyTo) {
      const app = await startApp();
      const port = await proxyTo(app.port);
      app.stop();
      const post = (): ReturnType<typeof get> => withLimit(get(port, { method: "POST", body: "x" }));
      assert.equal((await post()).status, 502);
      assert.equal((await post()).status, 502);
    },
  },
  {
    name: "a status that cannot be written becomes 502, by a proxy that lives on",
    bare: "breaks",
    async run(proxyTo) {
      await using app = await rawApp("HTTP/1.1 099 Strange\r\nContent-Length: 1000\r\n\r\nhalf");
      const port = await proxyTo(app.port);
      for (let round = 0; round < 2; round += 1) assert.equal((await withLimit(get(port))).status, 502);
    },
  },
  {
    name: "an app that answers before it read the body leaves the client's connection fit for the next request",
    bare: "breaks",
    async run(proxyTo) {
      await using app = await rawApp("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
      const socket = net.connect(await proxyTo(app.port), "127.0.0.1");
      let heard = "";
      socket.on("data", (chunk) => (heard += String(chunk)));
      const bytes = 4_000_000;
      socket.write(`POST / HTTP/1.1\r\nHost: hello\r\nContent-Length: ${bytes}\r\n\r\n`);
      await until("the early answer", () => heard.endsWith("no"), limitMs);
      socket.write(Buffer.alloc(bytes));
      socket.write("GET / HTTP/1.1\r\nHost: hello\r\n\r\n");
      await until("the second answer", () => heard.split("HTTP/1.1 413").length === 3, limitMs);
      socket.destroy();
    },
  },
  {
    name: "a chunked DELETE is one request, with its body",
    bare: "breaks",
    async run(proxyTo) {
      const seen: string[] = [];
      await using app = await disposableApp((request, response) => {
        let body = "";
        request.on("data", (chunk) => (body += String(chunk)));
        request.on("end", () => {
          seen.push(`${request.method} ${request.url} ${body.length}`);
          response.end("done");
        });
      });
      const body = "GET /smuggled HTTP/1.1\r\nHost: hello\r\n\r\n";
      const port = await proxyTo(app.port);
      const answer = await rawRequest(
        port,
        `DELETE /x HTTP/1.1\r\nHost: hello\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 200/);
      assert.deepEqual(seen, [`DELETE /x ${body.length}`]);
    },
  },
  {
    name: "what is meant for one connection only is not passed on",
    bare: "breaks",
    async run(proxyTo) {
      await using app = await disposableApp((request, response) => response.end(JSON.stringify(request.headers)));
      const headers = {
        Connection: "close, X-Private",
        "X-Private": "1",
        "Keep-Alive": "timeout=1",
        "Proxy-Authorization": "Basic x",
        TE: "trailers",
        "X-Public": "2",
      };
      const got = JSON.parse(
        (await get(await proxyTo(app.port), { headers: { Host: "hello", ...headers } })).body,
      ) as http.IncomingHttpHeaders;
      assert.deepEqual(
        [got["x-private"], got["keep-alive"], got["proxy-authorization"], got["te"], got["x-public"]],
        [undefined, undefined, undefined, undefined, "2"],
      );
      assert.equal(got.connection, "keep-alive", "a client's close would close the upstream connection too");
    },
  },
  {
    name: "only the proxy says where a request came from",
    bare: "breaks",
    async run(proxyTo) {
      await using app = await disposableApp((request, response) => response.end(JSON.stringify(request.headers)));
      const headers = {
        "X-Forwarded-For": "6.6.6.6",
        "X-Forwarded-Host": "evil",
        "X-Forwarded-Proto": "https",
        X_Forwarded_For: "6.6.6.6",
        Forwarded: "for=6.6.6.6",
        "X-Real-IP": "6.6.6.6",
      };
      const { body } = await get(await proxyTo(app.port), { headers: { Host: "hello", ...headers } });
      assert.ok(!body.includes("6.6.6.6") && !body.includes("evil"), body);
      assert.equal((JSON.parse(body) as http.IncomingHttpHeaders)["x-forwarded-for"], "127.0.0.1");
    },
  },
  {
    name: "Expect is answered by the proxy and goes no further",
    bare: "breaks",
    async run(proxyTo) {
      await using app = await disposableApp((request, response) => {
        request.resume();
        response.end(request.headers.expect ?? "none");
      });
      const answer = await rawRequest(
        await proxyTo(app.port),
        "POST / HTTP/1.1\r\nHost: hello\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
      );
      assert.match(answer, /^HTTP\/1\.1 100 Continue[^]*200 OK[^]*none/);
    },
  },
  {
    name: "a request with two hosts is refused",
    bare: "breaks",
    async run(proxyTo) {
      await using app = await disposableApp();
      assert.match(
        await rawRequest(await proxyTo(app.port), "GET / HTTP/1.1\r\nHost: hello\r\nHost: other\r\nConnection: close\r\n\r\n"),
        /^HTTP\/1\.1 400/,
      );
    },
  },
  {
    name: "a transfer coding that the proxy would not undo is refused",
    bare: "breaks",
    async run(proxyTo) {
      await using app = await disposableApp();
      const answer = await rawRequest(
        await proxyTo(app.port),
        "POST / HTTP/1.1\r\nHost: hello\r\nTransfer-Encoding: gzip, chunked\r\nConnection: close\r\n\r\n0\r\n\r\n",
      );
      assert.match(answer, /^HTTP\/1\.1 501/);
    },
  },
  {
    name: "a kept-open connection that the app closes at that moment costs no GET",
    bare: "holds", // it opens a connection for each request
    async run(proxyTo) {
      const seen = new WeakSet<net.Socket>();
      await using app = await disposableApp((request, response) => {
        if (seen.has(request.socket)) return void request.socket.destroy();
        seen.add(request.socket);
        return void response.end("well");
      });
      const port = await proxyTo(app.port);
      for (let round = 0; round < 4; round += 1) assert.equal((await get(port)).status, 200);
    },
  },
  {
    name: "a WebSocket that is reset leaves the proxy alive and ends its other side",
    bare: "breaks",
    async run(proxyTo) {
      const sockets: net.Socket[] = [];
      await using app = await webSocketApp((socket) => sockets.push(socket));
      const port = await proxyTo(app.port);
      const client = await openWebSocket(port);
      client.resetAndDestroy();
      await until("the app's side ended", () => sockets[0]?.destroyed, limitMs);
      const second = await openWebSocket(port);
      sockets[1]?.resetAndDestroy();
      await until("the client's side ended", () => second.destroyed, limitMs);
      (await openWebSocket(port)).destroy();
    },
  },
  {
    name: "a WebSocket carries bytes both ways, also those that came with the handshake",
    bare: "holds",
    async run(proxyTo) {
      await using app = await webSocketApp((socket) => socket.pipe(socket));
      const client = await openWebSocket(await proxyTo(app.port), "early ");
      client.write("late");
      let heard = "";
      client.on("data", (chunk) => (heard += String(chunk)));
      await until("the echo", () => heard === "early late", limitMs);
      client.destroy();
    },
  },
  {
    name: "a WebSocket that the app declines is answered with what the app said",
    bare: "holds",
    async run(proxyTo) {
      await using app = await disposableApp((_request, response) => response.writeHead(401, { "X-Why": "login" }).end("who are you"));
      const answer = await rawRequest(await proxyTo(app.port), upgradeRequest);
      assert.match(answer, /^HTTP\/1\.1 401[^]*X-Why: login[^]*who are you/i);
    },
  },
  {
    name: "an event stream shows its head before its first event",
    bare: "breaks",
    async run(proxyTo) {
      await using app = await disposableApp((_request, response) =>
        response.writeHead(200, { "Content-Type": "text/event-stream" }).flushHeaders(),
      );
      const request = http.get({ port: await proxyTo(app.port), host: "127.0.0.1", agent: false, headers: { Host: "hello" } });
      const [response] = (await withLimit(once(request, "response"))) as [http.IncomingMessage];
      assert.equal(response.headers["content-type"], "text/event-stream");
      request.destroy();
    },
  },
  {
    name: "a body flows on before it is whole",
    bare: "holds",
    async run(proxyTo) {
      let first = "";
      await using app = await disposableApp((request, response) => {
        request.once("data", (chunk) => (first = String(chunk)));
        request.on("end", () => response.end("done"));
        request.resume();
      });
      const request = http.request({
        port: await proxyTo(app.port),
        host: "127.0.0.1",
        method: "POST",
        agent: false,
        headers: { Host: "hello" },
      });
      request.write("first");
      await until("the app has the first bytes", () => first === "first", limitMs);
      request.end("last");
      const [response] = (await withLimit(once(request, "response"))) as [http.IncomingMessage];
      assert.equal(response.statusCode, 200);
      response.resume();
    },
  },
  {
    name: "three hundred held answers do not make the next request wait",
    bare: "holds",
    async run(proxyTo) {
      let held = 0;
      await using app = await disposableApp((request, response) => {
        if (request.url !== "/held") return void response.end("quick");
        held += 1;
        return void response.write("x");
      });
      const port = await proxyTo(app.port);
      const agent = new http.Agent();
      for (let index = 0; index < 300; index += 1)
        http.get({ port, host: "127.0.0.1", path: "/held", agent, headers: { Host: "hello" } }).on("error", () => undefined);
      await until("all are held", () => held === 300, 30_000);
      assert.equal((await withLimit(get(port))).body, "quick");
      agent.destroy();
    },
  },
  {
    name: "answers without a body, several cookies and an old client come through",
    bare: "holds",
    async run(proxyTo) {
      await using app = await disposableApp((request, response) => {
        if (request.url === "/304") return void response.writeHead(304, { ETag: "x" }).end();
        response.setHeader("Set-Cookie", ["a=1", "b=2"]);
        return void response.end("body");
      });
      const port = await proxyTo(app.port);
      assert.equal((await get(port, { path: "/304" })).status, 304);
      assert.deepEqual((await get(port)).headers["set-cookie"], ["a=1", "b=2"]);
      assert.equal((await get(port, { method: "HEAD" })).body, "");
      const old = await rawRequest(port, "GET / HTTP/1.0\r\nHost: hello\r\n\r\n");
      assert.match(old, /^HTTP\/1\.1 200/);
      assert.ok(old.endsWith("body") && !/transfer-encoding/i.test(old), old);
    },
  },
  {
    name: "what is no HTTP is refused, and the next request is served",
    bare: "holds",
    async run(proxyTo) {
      await using app = await disposableApp();
      const port = await proxyTo(app.port);
      assert.match(await rawRequest(port, "hello\r\n\r\n"), /^HTTP\/1\.1 400/);
      assert.match(await rawRequest(port, `GET / HTTP/1.1\r\nHost: hello\r\nX: ${"x".repeat(70_000)}\r\n\r\n`), /^HTTP\/1\.1 431/);
      assert.match(
        await rawRequest(port, "GET / HTTP/1.1\r\nHost: hello\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
        /^HTTP\/1\.1 400/,
      );
      assert.equal((await get(port)).status, 200);
    },
  },
];

const upgradeRequest =
  "GET /socket HTTP/1.1\r\nHost: hello\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

interface DisposableApp extends AsyncDisposable {
  readonly port: number;
}

async function disposableApp(answer?: http.RequestListener): Promise<DisposableApp> {
  const app = await startApp(answer);
  return { port: app.port, [Symbol.asyncDispose]: async () => app.stop() };
}

/** Says the same to whoever sends it something, and ends. */
async function rawApp(answer: string): Promise<DisposableApp> {
  const server = net.createServer((socket) => {
    socket.on("error", () => undefined);
    socket.once("data", () => socket.end(answer));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as net.AddressInfo).port, [Symbol.asyncDispose]: async () => void server.close() };
}

async function webSocketApp(onSocket: (socket: net.Socket) => void): Promise<DisposableApp> {
  const app = await startApp();
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
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      app.stop();
    },
  };
}

async function openWebSocket(port: number, early = ""): Promise<net.Socket> {
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
function rawRequest(port: number, text: string): Promise<string> {
  const socket = net.connect(port, "127.0.0.1");
  let answer = "";
  const whole = new Promise<string>((done, fail) => {
    socket.on("data", (chunk) => (answer += String(chunk)));
    socket.on("error", (error) => (answer === "" ? fail(error) : done(answer)));
    socket.on("close", () => done(answer));
  });
  socket.write(text);
  return withLimit(whole).finally(() => socket.destroy());
}

async function withLimit<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_done, fail) => {
    timer = setTimeout(() => fail(new Error(`no end within ${limitMs} ms`)), limitMs);
  });
  return Promise.race([work, limit]).finally(() => clearTimeout(timer));
}
