// Large bodies of requests, which go past Node's parser: every byte of them and nothing else, whatever app and client do meanwhile.
import assert from "node:assert/strict";
import { createHash, randomBytes, randomInt } from "node:crypto";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { describe, test } from "node:test";
import { startFront } from "../support/front.ts";
import { disposableApp, rawApp, rawRequest, upgradeRequest, webSocketApp, withLimit } from "../support/proxy.ts";
import { until } from "../support/until.ts";

const LARGE = 3_000_000;
/** Nothing of what a socket, two kernels and a proxy hold on the way of. */
const HUGE = 40_000_000;
const limits = { headMs: 60_000, bodyIdleMs: 60_000, lingerMs: 60_000 };
const impatient = { ...limits, bodyIdleMs: 1000 };
const CLOSE = "Connection: close\r\n";
const head = (bytes: number, more = ""): string => `POST /up HTTP/1.1\r\nHost: hello\r\nContent-Length: ${bytes}\r\n${more}\r\n`;
const digest = (bytes: Buffer): string => createHash("sha256").update(bytes).digest("hex");
const bodies = (heard: string): readonly string[] => [...heard.matchAll(/[0-9a-f]{64}/g)].map(([hex]) => hex);

/** Answers what it read. */
const digestBody: http.RequestListener = (request, response) => {
  const hash = createHash("sha256");
  request.on("data", (bytes: Buffer) => hash.update(bytes)).on("end", () => response.end(hash.digest("hex")));
  request.on("error", () => undefined);
};

/** In pieces of any size, each a write of its own. */
async function sendInPieces(socket: net.Socket, bytes: Buffer): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const end = at + randomInt(1, 400_000);
    if (!socket.write(bytes.subarray(at, end))) await once(socket, "drain");
    at = end;
  }
}

interface Client extends Disposable {
  readonly socket: net.Socket;
  readonly heard: string;
}

function connect(port: number): Client {
  const socket = net.connect(port, "127.0.0.1");
  let heard = "";
  socket.on("data", (bytes) => (heard += String(bytes)));
  socket.on("error", () => undefined);
  return {
    socket,
    get heard() {
      return heard;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

describe("a large body", () => {
  test("is not made into buffers by Node's parser", async (t) => {
    const pushed = t.mock.method(http.IncomingMessage.prototype, "push");
    const piecesOf = async (framing: string, body: Buffer): Promise<number> => {
      await using app = await rawUploadApp(body.length);
      await using front = await startFront(app.port, limits);
      pushed.mock.resetCalls();
      using client = connect(front.port);
      client.socket.write(`POST /up HTTP/1.1\r\nHost: hello\r\n${framing}\r\n\r\n`);
      client.socket.write(body);
      await until("the app answers", () => client.heard.endsWith("whole"));
      return pushed.mock.callCount();
    };
    const body = Buffer.alloc(HUGE, "x");
    const chunked = Buffer.concat([Buffer.from(`${HUGE.toString(16)}\r\n`), body, Buffer.from("\r\n0\r\n\r\n")]);
    const [past, through] = [await piecesOf(`Content-Length: ${HUGE}`, body), await piecesOf("Transfer-Encoding: chunked", chunked)];
    assert.ok(past < 50, `${past} pieces`);
    assert.ok(through > 500, `${through} pieces where the parser has to read it`);
  });

  test("arrives byte for byte, one after the other on one connection, between small requests", async () => {
    await using app = await disposableApp(digestBody);
    await using front = await startFront(app.port, limits);
    using client = connect(front.port);
    const { socket } = client;
    const sent: string[] = [];
    const heard = (): readonly string[] => bodies(client.heard);
    for (const bytes of [LARGE, 10, LARGE, 1_000_000, 0, LARGE]) {
      const body = randomBytes(bytes + (bytes > 10 ? randomInt(100_000) : 0));
      sent.push(digest(body));
      socket.write(head(body.length));
      await sendInPieces(socket, body);
      await until("the answer", () => heard().length === sent.length);
    }
    assert.deepEqual(heard(), sent);
  });

  test("ends where its length says: what follows it is the next request, and what is in it is none", async () => {
    const asked: string[] = [];
    await using app = await disposableApp((request, response) => {
      asked.push(request.url ?? "");
      digestBody(request, response);
    });
    await using front = await startFront(app.port, limits);
    const evil = "GET /evil HTTP/1.1\r\nHost: hello\r\n\r\n";
    const body = Buffer.from(evil.repeat(Math.ceil(LARGE / evil.length)));
    const small = "POST /small HTTP/1.1\r\nHost: hello\r\nContent-Length: 5\r\n\r\nsmall";
    const heard = await rawRequest(
      front.port,
      Buffer.concat([Buffer.from(head(body.length)), body, Buffer.from(small), Buffer.from(head(body.length, CLOSE)), body]),
    );
    assert.deepEqual(asked, ["/up", "/small", "/up"]);
    assert.deepEqual(bodies(heard), [digest(body), digest(Buffer.from("small")), digest(body)]);
  });

  test("of one client is not mixed with another's, however slowly apps read", async () => {
    await using app = await disposableApp((request, response) => {
      digestBody(request, response);
      request.on("data", () => {
        if (randomInt(20) > 0) return;
        request.pause();
        setTimeout(() => request.resume(), 2);
      });
    });
    await using front = await startFront(app.port, limits);
    await Promise.all(
      Array.from({ length: 6 }, async () => {
        const body = randomBytes(2 * LARGE + randomInt(LARGE));
        using client = connect(front.port);
        client.socket.write(head(body.length));
        await sendInPieces(client.socket, body);
        await until("the answer", () => bodies(client.heard).length === 1);
        assert.deepEqual(bodies(client.heard), [digest(body)]);
      }),
    );
  });

  test("waits for an app that does not read, and no time-out of the client's counts meanwhile", async () => {
    let asked: http.IncomingMessage | undefined;
    await using app = await disposableApp((request, response) => {
      asked ??= request;
      request.on("end", () => response.end("whole"));
    });
    await using front = await startFront(app.port, impatient);
    using client = connect(front.port);
    client.socket.write(head(HUGE));
    client.socket.write(Buffer.alloc(HUGE));
    await until("the app was asked", () => asked);
    using mute = connect(front.port);
    mute.socket.write(`${head(LARGE)}half`);
    await until("one that is silent for the same time is let go", () => mute.heard.startsWith("HTTP/1.1 408"));
    assert.ok(client.socket.writableLength > 0, "nothing holds all of it on the way");
    asked?.resume();
    await until("the answer", () => client.heard.endsWith("whole"));
  });

  test("that stops is answered with 408, and the app does not wait for it", async () => {
    let aborted = 0;
    await using app = await disposableApp((request) => void request.resume().on("error", () => (aborted += 1)));
    await using front = await startFront(app.port, impatient);
    assert.match(await rawRequest(front.port, head(2 * LARGE) + "x".repeat(LARGE)), /^HTTP\/1\.1 408/);
    await until("the app saw it", () => aborted === 1);
  });

  test("whose client goes away is gone for the app too, and the proxy lives on", async () => {
    let [aborted, bytes] = [0, 0];
    await using app = await disposableApp((request, response) => {
      digestBody(request, response);
      request.on("data", (chunk: Buffer) => (bytes += chunk.length)).on("error", () => (aborted += 1));
    });
    await using front = await startFront(app.port, limits);
    for (const leave of ["resetAndDestroy", "end"] as const) {
      const before = aborted;
      bytes = 0;
      using client = connect(front.port);
      client.socket.write(head(2 * LARGE));
      await sendInPieces(client.socket, Buffer.alloc(LARGE));
      await until("the app has it", () => bytes === LARGE);
      client.socket[leave]();
      await until("the app saw it", () => aborted === before + 1);
    }
    // Parsers are used again, and one of those was told to read no bodies.
    const body = randomBytes(1000);
    const heard = await rawRequest(front.port, Buffer.concat([Buffer.from(head(1000, CLOSE)), body]));
    assert.deepEqual(bodies(heard), [digest(body)]);
  });

  test("for an app that dies ends in a page, and its connection is fit for the next request", async () => {
    let asked = 0;
    await using app = await disposableApp((request, response) => {
      asked += 1;
      if (asked > 1) return digestBody(request, response);
      let bytes = 0;
      return void request
        .on("error", () => undefined)
        .on("data", (chunk: Buffer) => {
          bytes += chunk.length;
          if (bytes > LARGE) request.socket.destroy();
        });
    });
    await using front = await startFront(app.port, limits);
    using client = connect(front.port);
    await assertNext(client, /^HTTP\/1\.1 502/);
  });

  test("that the app answers early leaves its connection fit for the next request", async () => {
    await using early = await rawApp("HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno");
    await using front = await startFront(early.port, limits);
    using client = connect(front.port);
    client.socket.write(head(HUGE));
    await sendInPieces(client.socket, Buffer.alloc(HUGE));
    client.socket.write("GET / HTTP/1.1\r\nHost: hello\r\n\r\n");
    await until("the second answer", () => client.heard.split("HTTP/1.1 413").length === 3);
  });

  test("may be followed by a WebSocket on its connection", async () => {
    await using app = await webSocketApp((socket) => socket.pipe(socket), digestBody);
    await using front = await startFront(app.port, limits);
    using client = connect(front.port);
    const { socket } = client;
    const body = randomBytes(LARGE);
    socket.write(head(body.length));
    await sendInPieces(socket, body);
    await until("the answer", () => bodies(client.heard).length === 1);
    socket.write(upgradeRequest);
    await until("the switch", () => client.heard.includes("HTTP/1.1 101"));
    const text = "echo ".repeat(50_000);
    socket.write(text);
    await until("the echo", () => client.heard.endsWith(text));
  });

  test("is waited for when the proxy drains, and its connection ends with it", async () => {
    await using app = await disposableApp(digestBody);
    const front = await startFront(app.port, limits);
    const body = randomBytes(LARGE);
    using client = connect(front.port);
    client.socket.write(head(body.length));
    client.socket.write(body.subarray(0, LARGE / 2));
    await until("some of it is sent", () => client.socket.writableLength === 0);
    const drained = Promise.resolve(front[Symbol.asyncDispose]());
    client.socket.write(body.subarray(LARGE / 2));
    await withLimit(drained);
    await until("the answer", () => bodies(client.heard).length === 1);
    assert.match(client.heard, /connection: close/i);
    assert.deepEqual(bodies(client.heard), [digest(body)]);
  });
});

/** Sends a large body that gets another answer than it wants, and one more. */
async function assertNext(client: Client, first: RegExp): Promise<void> {
  const { socket } = client;
  const body = randomBytes(LARGE);
  socket.write(head(HUGE));
  await sendInPieces(socket, Buffer.alloc(HUGE));
  socket.write(head(body.length));
  await sendInPieces(socket, body);
  await until("the second answer", () => bodies(client.heard).length === 1);
  assert.match(client.heard, first);
  assert.deepEqual(bodies(client.heard), [digest(body)]);
}

/** Reads without a parser of Node's. */
async function rawUploadApp(bytes: number): Promise<AsyncDisposable & { readonly port: number }> {
  const server = net.createServer((socket) => {
    let read = 0;
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      read += chunk.length;
      if (read >= bytes) socket.end("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nwhole");
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as net.AddressInfo; // a TCP server has no other kind of address
  return { port, [Symbol.asyncDispose]: async () => void server.close() };
}
