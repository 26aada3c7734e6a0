// What must hold of the connections that a proxy keeps open to an app: no answer ever reaches somebody who did not ask for it.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { get } from "../support/ingress.ts";
import { limitMs, rawRequest, withLimit, type DisposableApp, type ProxyCase } from "../support/proxy.ts";
import { readRequest } from "../support/strict-http.ts";
import { until } from "../support/until.ts";

interface Kept {
  /** From 0, of all requests. */
  readonly index: number;
  readonly target: string;
  readonly socket: net.Socket;
}

/** Answers on connections that it keeps open whatever it sends. */
async function keptApp(answer: (asked: Kept) => string): Promise<DisposableApp> {
  const sockets = new Set<net.Socket>();
  let index = 0;
  const server = net.createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    let bytes = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      bytes = Buffer.concat([bytes, chunk]);
      for (let read = readRequest(bytes); read !== undefined; read = readRequest(bytes)) {
        bytes = bytes.subarray(read.length);
        socket.write(answer({ index, target: read.request.target, socket }), "latin1");
        index += 1;
      }
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    port: (server.address() as net.AddressInfo).port, // a TCP server has no other kind of address
    server,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy();
      server.close();
    },
  };
}

const answerOf = (body: string): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
const stray = answerOf("stray");

/** Asks for /1, /2 and so on, one after the other, and each time hears of that. */
async function assertOwnAnswers(port: number): Promise<void> {
  for (let round = 1; round <= 5; round += 1) {
    const { status, body } = await withLimit(get(port, { path: `/${round}` }));
    assert.deepEqual([status, body], [200, `/${round}`]);
  }
}

/** The same app with another first answer, which goes to whoever asks for /0. */
function strayCase(name: string, method: string, first: string, bare: ProxyCase["bare"] = "holds"): ProxyCase {
  return {
    name,
    bare, // it opens a connection for each request
    run: async (proxyTo) => {
      await using app = await keptApp(({ target }) => (target === "/0" ? first : answerOf(target)));
      const port = await proxyTo(app.port);
      await withLimit(get(port, { method, path: "/0" }));
      await assertOwnAnswers(port);
    },
  };
}

export const keptCases: readonly ProxyCase[] = [
  strayCase("a second answer after the first is nobody's", "GET", answerOf("/0") + stray),
  strayCase("a second answer after chunks is nobody's", "GET", `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${stray}`),
  strayCase(
    "a body in the answer to HEAD is nobody's answer",
    "HEAD",
    `HTTP/1.1 200 OK\r\nContent-Length: ${stray.length}\r\n\r\n${stray}`,
  ),
  strayCase("a body of 304 is nobody's answer", "GET", `HTTP/1.1 304 Not Modified\r\nContent-Length: ${stray.length}\r\n\r\n${stray}`),
  strayCase("a body of 204 is nobody's answer", "GET", `HTTP/1.1 204 No Content\r\nContent-Length: ${stray.length}\r\n\r\n${stray}`),
  strayCase(
    "a length and chunks make nobody's answer",
    "GET",
    `HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n${stray}`,
    "breaks",
  ),
  {
    name: "an answer on an idle connection is nobody's",
    bare: "holds",
    run: async (proxyTo) => {
      let kept: net.Socket | undefined;
      await using app = await keptApp(({ target, socket }) => {
        kept = socket;
        return answerOf(target);
      });
      const port = await proxyTo(app.port);
      await withLimit(get(port, { path: "/0" }));
      kept?.write(stray);
      await assertOwnAnswers(port);
    },
  },
  {
    name: "an answer that is slow to end keeps its connection from everybody else",
    bare: "holds",
    run: async (proxyTo) => {
      const slow: net.Socket[] = [];
      await using app = await keptApp(({ target, socket }) => {
        if (target !== "/slow") return answerOf(target);
        slow.push(socket);
        return "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl";
      });
      const port = await proxyTo(app.port);
      const waiting = get(port, { path: "/slow" });
      await until("the app was asked", () => slow.length === 1, limitMs);
      await assertOwnAnswers(port);
      slow[0]?.write("ow");
      assert.equal((await withLimit(waiting)).body, "slow");
    },
  },
  {
    name: "an app that answers before it reads, and keeps its connection, is not asked again on it before the body is out",
    bare: "breaks",
    run: async (proxyTo) => {
      const first = new WeakSet<net.Socket>();
      // Says that it is well as soon as it is connected to, and reads what comes as nobody's.
      const server = net.createServer((socket) => {
        socket.on("error", () => undefined);
        socket.once("data", (chunk: Buffer) => {
          if (!chunk.toString("latin1").startsWith("POST")) return void socket.end(answerOf("own"));
          first.add(socket);
          socket.write(answerOf("early"));
          return void socket.pause();
        });
      });
      server.listen(0, "127.0.0.1");
      await once(server, "listening");
      try {
        const port = await proxyTo((server.address() as net.AddressInfo).port);
        const bytes = 8_000_000;
        const socket = net.connect(port, "127.0.0.1");
        socket.on("error", () => undefined);
        let heard = "";
        socket.on("error", () => undefined); // where the proxy ends it after all
        socket.on("data", (chunk) => (heard += String(chunk)));
        socket.write(`POST / HTTP/1.1\r\nHost: hello\r\nContent-Length: ${bytes}\r\n\r\n`);
        socket.write(Buffer.alloc(bytes));
        socket.write("GET / HTTP/1.1\r\nHost: hello\r\n\r\n");
        await until("both answers", () => /early[^]*own$/.test(heard), limitMs);
        socket.destroy();
        assert.match(await rawRequest(port, "GET / HTTP/1.1\r\nHost: hello\r\nConnection: close\r\n\r\n"), /own$/);
      } finally {
        server.close();
      }
    },
  },
  {
    name: "an app that says close is asked on a new connection",
    bare: "holds",
    run: async (proxyTo) => {
      const asked = new WeakSet<net.Socket>();
      let twice = 0;
      await using app = await keptApp(({ target, socket }) => {
        if (asked.has(socket)) twice += 1;
        asked.add(socket);
        return answerOf(target).replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n");
      });
      await assertOwnAnswers(await proxyTo(app.port));
      assert.equal(twice, 0);
    },
  },
  {
    name: "an app of HTTP/1.0 that keeps its connection when asked to is asked on it again or not, and answers right",
    bare: "holds",
    run: async (proxyTo) => {
      await using app = await keptApp(({ target }) =>
        answerOf(target).replace("HTTP/1.1 200 OK", "HTTP/1.0 200 OK\r\nConnection: keep-alive"),
      );
      await assertOwnAnswers(await proxyTo(app.port));
    },
  },
];
