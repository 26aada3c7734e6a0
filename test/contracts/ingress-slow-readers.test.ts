// Clients that ask for much and do not read it: each may keep its connection, and all of them together no more than so much memory.
import assert from "node:assert/strict";
import type http from "node:http";
import net from "node:net";
import { test } from "node:test";
import { readBuffers } from "../../src/adapters/http-proxy/read-buffers.ts";
import { startFront } from "../support/front.ts";
import { get } from "../support/ingress.ts";
import { disposableApp, withLimit } from "../support/proxy.ts";
import { until } from "../support/until.ts";

/** More than may have a buffer of their own, which is 64. */
const CLIENTS = 70;
const text = "fossora ".repeat(500_000);

test("clients that do not read keep so many buffers and no more, the others are served, and nothing is kept of who leaves", async () => {
  const endless = (_request: http.IncomingMessage, response: http.ServerResponse): void => {
    const chunk = Buffer.alloc(256 * 1024, "x");
    const more = (): void => {
      while (!response.destroyed && response.write(chunk));
    };
    response.on("drain", more).on("error", () => undefined);
    more();
  };
  await using app = await disposableApp((request, response) => {
    if (request.url === "/endless") endless(request, response);
    else response.end(text);
  });
  await using front = await startFront(app.port, {});
  const clients = Array.from({ length: CLIENTS }, () => {
    const socket = net.connect(front.port, "127.0.0.1").pause();
    socket.on("error", () => undefined);
    socket.write("GET /endless HTTP/1.1\r\nHost: hello\r\n\r\n");
    return socket;
  });
  await until("all buffers are out", () => toLend() === 0);
  assert.ok((await withLimit(get(front.port))).body === text);
  for (const client of clients) client.destroy();
  await until("all are back", () => toLend() === 64);
  assert.deepEqual(front.errors, []);
});

function toLend(): number {
  const lent: Buffer[] = [];
  for (let next = readBuffers().lend(); next !== undefined; next = readBuffers().lend()) lent.push(next);
  for (const each of lent) readBuffers().leave(each);
  return lent.length;
}
