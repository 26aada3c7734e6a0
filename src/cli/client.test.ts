import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type RequestListener, type Server } from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterEach, beforeEach, test } from "node:test";
import { unixClient, watchLines } from "./client.ts";
import { ApiFailure, EXIT, Failure } from "./failure.ts";

let directory: string;
let socket: string;
let server: Server | undefined;
const never = new AbortController().signal;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), "fossora-client-"));
  socket = path.join(directory, "s.sock");
});
afterEach(async () => {
  server?.closeAllConnections();
  if (server) await new Promise((resolve) => server?.close(resolve));
  server = undefined;
  rmSync(directory, { recursive: true, force: true });
});

async function serve(listener: RequestListener): Promise<void> {
  server = createServer(listener);
  await new Promise<void>((resolve) => server?.listen(socket, resolve));
}

async function collect(lines: AsyncIterable<unknown>, into: unknown[]): Promise<void> {
  for await (const line of lines) into.push(line);
}

const unreachable = (error: unknown): boolean => error instanceof Failure && error.code === EXIT.unreachable && error.next !== "";

test("where nobody listens the node is unreachable, and the next command starts it", async () => {
  await assert.rejects(
    unixClient(socket, never).json("GET", "/healthz"),
    (error) => unreachable(error) && (error as Failure).next === "sudo fossora up",
  );
});

test("queries reach the server, lists repeated and absent ones left out", async () => {
  let seen = "";
  await serve((request, response) => {
    seen = request.url ?? "";
    response.end("{}");
  });
  await unixClient(socket, never).json("GET", "/x", { query: { a: "1 2", command: ["ls", "-l"], none: undefined } });
  assert.equal(seen, "/x?a=1+2&command=ls&command=-l");
});

test("an answer that is no success is thrown as the server said it, or quoted where it is no Status", async () => {
  await serve((request, response) => {
    response.writeHead(404);
    response.end(request.url === "/status" ? JSON.stringify({ kind: "Status", reason: "NotFound", code: 404, message: "gone" }) : "<html>");
  });
  const client = unixClient(socket, never);
  await assert.rejects(client.json("GET", "/status"), (error) => error instanceof ApiFailure && error.status.reason === "NotFound");
  await assert.rejects(client.json("GET", "/page"), /answered 404: <html>/);
});

test("lines are whole wherever chunks and characters are cut, and a stream that breaks off is unreachable", async () => {
  const text = Buffer.from('{"a":"ä"}\n{"a":2}\n{"a":');
  await serve((_request, response) => {
    for (const byte of text) response.write(Buffer.from([byte]));
    setImmediate(() => response.destroy());
  });
  const got: unknown[] = [];
  await assert.rejects(collect(unixClient(socket, never).lines("/x"), got), unreachable);
  assert.deepEqual(got, [{ a: "ä" }, { a: 2 }]);
});

test("a watch that falls silent is broken", async () => {
  await serve((_request, response) => {
    response.write('{"type":"BOOKMARK","revision":1}\n');
  });
  const got: unknown[] = [];
  await assert.rejects(collect(watchLines(unixClient(socket, never), "/x", { silenceMs: 50 }), got), unreachable);
  assert.equal(got.length, 1);
});

test("a watch that the server ends with ERROR throws what it said", async () => {
  await serve((_request, response) => {
    response.end('{"type":"ERROR","status":{"kind":"Status","reason":"Expired","code":410,"message":"too slow"}}\n');
  });
  await assert.rejects(
    collect(watchLines(unixClient(socket, never), "/x", {}), []),
    (error) => error instanceof ApiFailure && error.status.code === 410,
  );
});

test("Ctrl-C ends a request that waits with its own reason, and a stream quietly", async () => {
  await serve((request, response) => {
    if (request.url === "/stream") response.write('{"a":1}\n');
  });
  const interrupt = new AbortController();
  const client = unixClient(socket, interrupt.signal);
  const got: unknown[] = [];
  const streaming = collect(client.lines("/stream"), got);
  const waiting = assert.rejects(client.json("GET", "/slow"), (error) => error instanceof Failure && error.code === EXIT.interrupted);
  while (got.length === 0) await new Promise((resolve) => setImmediate(resolve));
  interrupt.abort(new Failure(EXIT.interrupted, "Interrupted.", ""));
  await Promise.all([streaming, waiting]);
});

test("a node that does not answer in time is unreachable", async () => {
  await serve(() => undefined);
  await assert.rejects(unixClient(socket, never).json("GET", "/x", { timeoutMs: 50 }), unreachable);
});

test("an upgrade that is not answered ends in time, and with Ctrl-C; one that was answered is the caller's", async () => {
  await serve(() => undefined);
  const interrupt = new AbortController();
  const client = unixClient(socket, interrupt.signal);
  await assert.rejects(client.upgrade("/x", "p", { timeoutMs: 50 }), unreachable);
  const asked = Promise.withResolvers<void>();
  server?.on("upgrade", (request, stream) => {
    stream.on("end", () => stream.destroy());
    if (request.url === "/no") asked.resolve();
    if (request.url === "/yes") stream.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: p\r\n\r\n");
  });
  const upgraded = await client.upgrade("/yes", "p", { timeoutMs: 50 });
  const waiting = assert.rejects(client.upgrade("/no", "p"), (error) => error instanceof Failure && error.code === EXIT.interrupted);
  await asked.promise;
  interrupt.abort(new Failure(EXIT.interrupted, "Interrupted.", ""));
  await waiting;
  assert.equal(upgraded.socket.destroyed, false);
  upgraded.socket.destroy();
});
