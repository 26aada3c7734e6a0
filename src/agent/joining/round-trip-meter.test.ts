import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createConnection, createServer, type AddressInfo } from "node:net";
import { once } from "node:events";
import { test } from "node:test";
import { measureRoundTrip } from "./round-trip-meter.ts";

const signal = AbortSignal.timeout(60_000);

test("the way to this computer itself is short, also while the program is busy", async (t) => {
  const server = createServer((socket) => socket.destroy()).listen(0, "127.0.0.1");
  t.after(() => server.close());
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // TCP
  const measuring = measureRoundTrip({ address: "127.0.0.1", port, localAddress: "127.0.0.9" }, signal);
  await new Promise((done) => setImmediate(done));
  const busyUntil = performance.now() + 400;
  while (performance.now() < busyUntil);
  const tookMs = await measuring;
  assert.ok(tookMs !== undefined && tookMs < 200, `${tookMs} ms`);
});

test("where nobody answers there is nothing to measure", async () => {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo; // TCP
  await new Promise((done) => server.close(done));
  assert.equal(await measureRoundTrip({ address: "127.0.0.1", port }, signal), undefined);
  assert.equal(await measureRoundTrip({ address: "127.0.0.1", port }, AbortSignal.abort()), undefined);
});

test("one whose first packet was lost says nothing about the way: its kernel waits for a second before the next", async (t) => {
  const program = `const server = require("node:net").createServer().listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => console.log(server.address().port));`;
  const child = spawn(process.execPath, ["-e", program], { stdio: ["ignore", "pipe", "inherit"] });
  t.after(() => child.kill("SIGKILL"));
  const [chunk] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(chunk.toString());
  child.kill("SIGSTOP");
  // A full queue of connections drops what comes as a cut link does.
  const waiting = Array.from({ length: 8 }, () => createConnection(port, "127.0.0.1").on("error", () => undefined));
  t.after(() => waiting.forEach((socket) => socket.destroy()));
  await once(waiting[0] ?? child, "connect");
  const measuring = measureRoundTrip({ address: "127.0.0.1", port }, signal);
  await new Promise((done) => setTimeout(done, 300));
  child.kill("SIGCONT");
  assert.equal(await measuring, undefined);
});
