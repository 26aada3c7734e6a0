import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer as createHttpServer, type RequestListener } from "node:http";
import { type AddressInfo, createServer, type Server } from "node:net";
import { after, test } from "node:test";
import type { Probe } from "../../ports.ts";
import { checkProbe } from "./check.ts";

const timing = { intervalMs: 1000, timeoutMs: 1000, retries: 1, startGraceMs: 0 };
const limitMs = 10_000;
const signal = new AbortController().signal;
const servers: Server[] = [];
after(() => servers.forEach((server) => server.close()));

async function listen(server: Server): Promise<number> {
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return (server.address() as AddressInfo).port; // TCP
}

const answering = (listener: RequestListener): Promise<number> => listen(createHttpServer(listener));
const tcp = (port: number): Probe => ({ kind: "tcp", host: "127.0.0.1", port, timing });
const http = (port: number, path = "/"): Probe => ({ kind: "http", host: "127.0.0.1", port, path, status: [200, 399], timing });

test("an open port is well, a closed one says that nobody listens", async () => {
  const server = createServer();
  const port = await listen(server);
  assert.equal(await checkProbe(tcp(port), limitMs, signal), undefined);
  server.close();
  await once(server, "close");
  assert.equal(await checkProbe(tcp(port), limitMs, signal), `nobody listens on 127.0.0.1:${port}`);
});

test("a good status is well, a bad one is named with the path", async () => {
  const port = await answering((request, response) => response.writeHead(request.url === "/health" ? 204 : 503).end());
  assert.equal(await checkProbe(http(port, "/health"), limitMs, signal), undefined);
  assert.equal(await checkProbe(http(port), limitMs, signal), "GET / answers 503");
});

test("an app that serves the hosts it knows alone is asked for localhost, whatever its address is", async () => {
  const port = await answering(({ headers }, response) => response.writeHead(headers.host === "localhost" ? 200 : 400).end());
  assert.equal(await checkProbe(http(port), limitMs, signal), undefined);
});

test("an app whose answer never ends is well: its head was enough", async () => {
  const port = await answering((_request, response) => void response.writeHead(200).write("a stream"));
  assert.equal(await checkProbe(http(port), limitMs, signal), undefined);
});

test("a limit that is no whole number is one all the same", async () => {
  const port = await answering((_request, response) => response.end());
  assert.equal(await checkProbe(http(port), 379.9999999962747, signal), undefined);
});

test("a limit that Node does not take is a failed check", async () => {
  assert.match((await checkProbe(tcp(1), 2 ** 32, signal)) ?? "", /^cannot reach 127\.0\.0\.1:1: /);
});

test("an app that takes the connection and says nothing has no answer within the limit", async () => {
  const port = await listen(createServer((socket) => socket.on("error", () => {})));
  assert.equal(await checkProbe(http(port), 100, signal), `no answer from 127.0.0.1:${port} within 0.1 s`);
});

test("an app that closes the connection at once is not reached", async () => {
  const port = await listen(createServer((socket) => socket.destroy()));
  assert.match((await checkProbe(http(port), limitMs, signal)) ?? "", /cannot reach .*ECONNRESET/);
});
