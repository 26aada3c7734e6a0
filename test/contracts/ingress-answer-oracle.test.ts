// Our reading of answers beside that of Node's own client, byte for byte over the same mutilated answers: whatever we take for an answer
// Node takes for the same one.
import assert from "node:assert/strict";
import http from "node:http";
import type net from "node:net";
import { Duplex } from "node:stream";
import { test } from "node:test";
import fc from "fast-check";
import type { AnswerHead } from "../../src/adapters/http-proxy/answer-head.ts";
import { endToEnd } from "../../src/adapters/http-proxy/headers.ts";
import { Upstream } from "../../src/adapters/http-proxy/upstream.ts";

interface Read {
  readonly status: number;
  readonly message: string;
  readonly headers: readonly string[];
  readonly body: string;
}

/** An app that says these bytes whatever it is asked, and ends. */
function connectionOf(pieces: readonly Buffer[]): net.Socket {
  const left = [...pieces];
  const duplex = new Duplex({
    read() {
      // Each in a turn of its own, as from a network.
      setImmediate(() => this.push(left.shift() ?? null));
    },
    write(_chunk, _encoding, done) {
      done();
    },
    allowHalfOpen: false,
  });
  // What both clients need of a socket besides.
  return Object.assign(duplex, {
    ref: () => duplex,
    unref: () => duplex,
    setTimeout: () => duplex,
    destroySoon: () => duplex.destroy(),
  }) as unknown as net.Socket;
}

function readByUs(pieces: readonly Buffer[], method: string): Promise<Read | undefined> {
  return new Promise((done) => {
    let head: AnswerHead | undefined;
    let body = "";
    const [common, nothing] = [Buffer.alloc(1), () => undefined];
    const buffers = { common, take: () => common, lend: nothing, giveBack: nothing, leave: nothing };
    const upstream = new Upstream(() => connectionOf(pieces), { connectedBy: "connect", buffers }).readEvents();
    upstream.ask(
      {
        connected: () => undefined,
        interim: () => undefined,
        drained: () => undefined,
        upgraded: () => done(undefined),
        answered(answer, whole) {
          head = answer;
          body = whole ?? "";
        },
        body(bytes) {
          body += bytes.toString("latin1");
          return true;
        },
        ended: () => done(head && { status: head.status, message: head.message, headers: head.headers, body }),
        failed: () => done(undefined),
      },
      { method, head: `${method} / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`, hasBody: false },
    );
  });
}

function readByNode(pieces: readonly Buffer[], method: string): Promise<Read | undefined> {
  return new Promise((done) => {
    const request = http.request({ method, createConnection: () => connectionOf(pieces), agent: undefined, maxHeaderSize: 64 * 1024 });
    let answer: http.IncomingMessage | undefined;
    // What follows a whole answer is another matter.
    request.on("error", () => answer?.complete !== true && done(undefined));
    request.on("upgrade", (_response, socket) => {
      socket.destroy();
      done(undefined);
    });
    request.on("response", (response) => {
      answer = response;
      let body = "";
      response.on("data", (bytes: Buffer) => (body += bytes.toString("latin1")));
      response.on("error", () => undefined);
      response.on("close", () => {
        const { statusCode = 0, statusMessage = "" } = response;
        const headers = endToEnd(response);
        done(response.complete ? { status: statusCode, message: statusMessage, headers, body } : undefined);
      });
    });
    request.end();
  });
}

const PARTS = [
  "HTTP/1.1 200 OK\r\n",
  "HTTP/1.1 304 Not Modified\r\n",
  "HTTP/1.0 200 OK\r\n",
  "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n",
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Connection: close\r\n",
  "Connection: X-Y\r\n",
  "X-Y: z\r\n",
  "\r\n",
  "hello",
  "5\r\nhello\r\n",
  "2;x=y\r\nhi\r\n",
  "0\r\n",
  "0\r\n\r\n",
  "\r",
  "\n",
  " ",
  ":",
  "\0",
];
const WHOLE = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-Y: z\r\n\r\n5\r\nhello\r\n2;x=y\r\nhi\r\n0\r\nX: y\r\n\r\n",
  "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 200\r\n\r\nhello",
  "HTTP/1.1 404 Not there\r\nConnection: X-Y, close\r\nX-Y: z\r\nSet-Cookie:a \r\nContent-Length:  2\t\r\n\r\nhi",
];

/** One of the whole answers with a few bytes changed, put in or taken out; or any of the parts in a row. */
const answers = fc.oneof(
  { weight: 1, arbitrary: fc.array(fc.constantFrom(...PARTS), { maxLength: 10 }).map((parts) => parts.join("")) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...WHOLE),
        fc.array(fc.tuple(fc.nat(), fc.nat({ max: 2 }), fc.constantFrom(...PARTS, "5", "a", "-", "\t", "\xe9")), { maxLength: 3 }),
      )
      .map(([whole, changes]) =>
        changes.reduce((text, [where, cut, put]) => {
          const at = where % (text.length + 1);
          return text.slice(0, at) + put + text.slice(at + cut);
        }, whole),
      ),
  },
);

test("whatever we take for an answer, Node takes for the same", async () => {
  let taken = 0;
  await fc.assert(
    fc.asyncProperty(answers, fc.constantFrom("GET", "HEAD"), fc.integer({ min: 1, max: 60 }), async (text, method, size) => {
      const bytes = Buffer.from(text, "latin1");
      const pieces: Buffer[] = [];
      for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
      const ours = await readByUs(pieces, method);
      if (ours === undefined) return;
      taken += 1;
      const theirs = await readByNode(pieces, method);
      // Node also reads what a chunk's extension says, which goes no further, and ends a connection after an interim answer that says so.
      const isTolerated = /^[\da-f]+;/im.test(text) || /^HTTP\/1\.[01] 1[^]+HTTP/m.test(text);
      if (theirs !== undefined || !isTolerated) assert.deepEqual(ours, theirs);
    }),
    { numRuns: Number(process.env["FOSSORA_HTTP_EXCHANGES"] ?? 10_000) / 10 },
  );
  assert.ok(taken > 100, `only ${taken} of them were answers`);
});
