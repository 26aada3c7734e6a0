// What a proxy must do with connections that end, stay or change, one case each: they hold for the ingress, and those marked break on
// http-proxy without its wrapper.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { get, startApp } from "../support/ingress.ts";
import {
  disposableApp,
  limitMs,
  openWebSocket,
  rawApp,
  rawRequest,
  upgradeRequest,
  webSocketApp,
  withLimit,
  type ProxyCase,
} from "../support/proxy.ts";
import { until } from "../support/until.ts";

export const connectionCases: readonly ProxyCase[] = [
  {
    name: "a client that goes away takes its upstream request along",
    bare: "breaks",
    run: async (proxyTo) => {
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
    name: "a client that ends its side does not wait for the answer",
    bare: "breaks",
    run: async (proxyTo) => {
      let [asked, closed] = [0, 0];
      await using app = await disposableApp((_request, response) => {
        asked += 1;
        response.on("close", () => (closed += 1));
      });
      const socket = net.connect(await proxyTo(app.port), "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write("GET / HTTP/1.1\r\nHost: hello\r\n\r\n");
      await until("the app was asked", () => asked === 1, limitMs);
      socket.end();
      await until("the app saw it", () => closed === 1, limitMs);
    },
  },
  {
    name: "a client that goes away in the middle of its body is gone for the app too, and the proxy lives on",
    bare: "holds",
    run: async (proxyTo) => {
      let aborted = 0;
      await using app = await disposableApp((request, response) => {
        if (request.method === "GET") return void response.end("hello");
        request.on("error", () => (aborted += 1));
        return void request.resume();
      });
      const port = await proxyTo(app.port);
      const socket = net.connect(port, "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write("POST / HTTP/1.1\r\nHost: hello\r\nContent-Length: 1000\r\n\r\nhalf");
      await once(app.server, "request");
      socket.resetAndDestroy();
      await until("the app saw it", () => aborted === 1, limitMs);
      assert.equal((await get(port)).body, "hello");
    },
  },
  {
    name: "an app that dies in the middle of a body ends the client's request with an error",
    bare: "breaks",
    run: async (proxyTo) => {
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
    name: "a body that lasts until the connection ends is not whole when the connection breaks",
    bare: "holds", // by ending the process
    run: async (proxyTo) => {
      const sockets: net.Socket[] = [];
      const server = net.createServer((socket) => {
        sockets.push(socket);
        socket.on("error", () => undefined);
        socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n\r\nhalf"));
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      try {
        const port = await proxyTo((server.address() as net.AddressInfo).port);
        const request = http.get({ port, host: "127.0.0.1", agent: false, headers: { Host: "hello" } });
        const [response] = (await withLimit(once(request, "response"))) as [http.IncomingMessage];
        response.on("error", () => undefined);
        await once(response, "data");
        sockets[0]?.resetAndDestroy();
        await withLimit(new Promise((done) => response.resume().on("close", done)));
        assert.equal(response.complete, false);
      } finally {
        server.close();
      }
    },
  },
  {
    name: "an app that is not there is answered with 502, by a proxy that lives on",
    bare: "breaks",
    run: async (proxyTo) => {
      const app = await startApp();
      const port = await proxyTo(app.port);
      app.stop();
      const post = (): ReturnType<typeof get> => withLimit(get(port, { method: "POST", body: "x" }));
      assert.equal((await post()).status, 502);
      assert.equal((await post()).status, 502);
    },
  },
  {
    name: "an app that answers before it read the body leaves the client's connection fit for the next request",
    bare: "breaks",
    run: async (proxyTo) => {
      await using app = await rawApp("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
      const socket = net.connect(await proxyTo(app.port), "127.0.0.1");
      socket.on("error", () => undefined);
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
    name: "a kept-open connection that the app closes at that moment costs no GET and no POST",
    bare: "holds", // it opens a connection for each request
    run: async (proxyTo) => {
      const seen = new WeakSet<net.Socket>();
      await using app = await disposableApp((request, response) => {
        if (seen.has(request.socket)) return void request.socket.destroy();
        seen.add(request.socket);
        return void response.end("well");
      });
      const port = await proxyTo(app.port);
      for (let round = 0; round < 4; round += 1) {
        assert.equal((await get(port)).status, 200);
        assert.equal((await get(port, { method: "POST", body: "x" })).status, 200);
        assert.equal((await get(port, { method: "DELETE" })).status, 200);
      }
    },
  },
  {
    name: "an upgrade that does not wait for the answer before it ends the connection after that answer, and nothing else",
    bare: "breaks",
    run: async (proxyTo) => {
      const answers: http.ServerResponse[] = [];
      await using app = await webSocketApp(
        () => undefined,
        (_request, response) => void answers.push(response),
      );
      const port = await proxyTo(app.port);
      const answer = rawRequest(port, `GET /slow HTTP/1.1\r\nHost: hello\r\n\r\n${upgradeRequest}`);
      const slow = await until("the app was asked", () => answers[0], limitMs);
      // By the time that this one is open, the other would be too.
      (await openWebSocket(port)).destroy();
      slow.end("slow");
      assert.match(await answer, /^HTTP\/1\.1 200[^]*slow$/);
    },
  },
  {
    name: "who goes at once, having asked for a tunnel or for an upgrade behind what is refused, leaves the proxy alive",
    bare: "breaks",
    run: async (proxyTo) => {
      await using app = await disposableApp();
      const port = await proxyTo(app.port);
      const leave = async (text: string): Promise<void> => {
        const socket = net.connect(port, "127.0.0.1");
        socket.on("error", () => undefined);
        await new Promise<void>((done) => socket.write(text, () => done()));
        socket.resetAndDestroy();
      };
      for (const first of ["", "GET / HTTP/1.1\r\n\r\n", "GET / HTTP/1.1\r\nHost: hello\r\nExpect: x\r\n\r\n"])
        for (const last of ["CONNECT hello:80 HTTP/1.1\r\nHost: hello:80\r\n\r\n", upgradeRequest])
          for (let round = 0; round < 5; round += 1) await leave(first + last);
      assert.equal((await get(port)).status, 200);
    },
  },
  {
    name: "what is no HTTP does not cut into the answer before it",
    bare: "breaks",
    run: async (proxyTo) => {
      const answers: http.ServerResponse[] = [];
      await using app = await disposableApp((_request, response) => {
        response.writeHead(200, { "Content-Length": 10 }).write("hello");
        answers.push(response);
      });
      const socket = net.connect(await proxyTo(app.port), "127.0.0.1");
      socket.on("error", () => undefined);
      let heard = "";
      socket.on("data", (chunk) => (heard += String(chunk)));
      socket.write("GET / HTTP/1.1\r\nHost: hello\r\n\r\n");
      await until("half an answer", () => heard.endsWith("hello"), limitMs);
      socket.write("what is no HTTP\r\n\r\n");
      // The answer to a second request says that the proxy has read the first one's.
      await rawRequest(await proxyTo(app.port), "what is no HTTP\r\n\r\n");
      answers[0]?.end("world");
      await withLimit(once(socket, "close"));
      assert.match(heard, /^HTTP\/1\.1 200[^]*\r\n\r\nhelloworld$/);
    },
  },
  {
    name: "a client that leaves with requests in its queue leaves none of them at the app",
    bare: "breaks",
    run: async (proxyTo) => {
      let [asked, open] = [0, 0];
      await using app = await disposableApp((_request, response) => {
        asked += 1;
        open += 1;
        response.on("close", () => (open -= 1));
      });
      const socket = net.connect(await proxyTo(app.port), "127.0.0.1");
      socket.on("error", () => undefined);
      socket.write("GET / HTTP/1.1\r\nHost: hello\r\n\r\n".repeat(20));
      await until("the app was asked", () => asked > 0, limitMs);
      socket.resetAndDestroy();
      await until("nothing is left at the app", () => open === 0, limitMs);
      assert.equal(asked, 1, "a request waits for the answer to the one before it");
    },
  },
  {
    name: "a switch of protocols that nobody asked for is a failure of the app",
    bare: "breaks",
    run: async (proxyTo) => {
      await using app = await rawApp("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      const port = await proxyTo(app.port);
      assert.equal((await withLimit(get(port))).status, 502);
    },
  },
  {
    name: "an upgrade to something else than was asked for is a failure of the app",
    bare: "breaks",
    run: async (proxyTo) => {
      await using app = await rawApp("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n");
      assert.match(await rawRequest(await proxyTo(app.port), upgradeRequest), /^HTTP\/1\.1 502/);
    },
  },
  {
    name: "a WebSocket that is reset leaves the proxy alive and ends its other side",
    bare: "breaks",
    run: async (proxyTo) => {
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
    run: async (proxyTo) => {
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
    run: async (proxyTo) => {
      await using app = await disposableApp((_request, response) => response.writeHead(401, { "X-Why": "login" }).end("who are you"));
      const answer = await rawRequest(await proxyTo(app.port), upgradeRequest);
      assert.match(answer, /^HTTP\/1\.1 401[^]*X-Why: login[^]*who are you/i);
    },
  },
  {
    name: "an event stream shows its head before its first event",
    bare: "breaks",
    run: async (proxyTo) => {
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
    run: async (proxyTo) => {
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
    run: async (proxyTo) => {
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
];
