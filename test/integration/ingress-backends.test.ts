// Backends that are away, come back, are slow or small: what a person with a browser gets to see.
import assert from "node:assert/strict";
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { freePort, get, soon, startApp, startIngress, tableOf, type TestApp, type TestIngress } from "../support/ingress.ts";
import { until } from "../support/until.ts";

describe("an ingress with backends", () => {
  let ingress: TestIngress;
  let app: TestApp;
  before(async () => {
    [ingress, app] = await Promise.all([startIngress(), startApp()]);
  });
  after(async () => {
    await ingress.stop();
    app.stop();
  });
  const held = (): Promise<unknown> => until("a request is held", async () => /fossora_http_held [1-9]/.test(await ingress.metrics()));

  test("a GET and a POST get past a refused and a silent backend", async () => {
    const silent = await silentBackend();
    try {
      const [refused, alsoRefused] = await Promise.all([freePort(), freePort()]);
      await ingress.client.putTable(tableOf([refused, silent.port, app.port]), soon());
      for (let round = 0; round < 3; round += 1) assert.equal((await get(ingress.httpPort)).status, 200);
      await ingress.client.putTable(tableOf([]), soon());
      await ingress.client.putTable(tableOf([refused, silent.port, app.port]), soon());
      for (let round = 0; round < 3; round += 1) assert.equal((await get(ingress.httpPort, { method: "POST", body: "x" })).status, 200);
      await ingress.client.putTable(tableOf([refused, alsoRefused], { holdMs: 0 }), soon());
      assert.equal((await get(ingress.httpPort, { method: "POST", body: "x" })).status, 502);
    } finally {
      silent.stop();
    }
  });

  test("replicas take turns", async () => {
    const counts = [0, 0];
    const replicas = await Promise.all(
      counts.map((_, index) => startApp((_request, response) => response.end(String((counts[index] = (counts[index] ?? 0) + 1))))),
    );
    await ingress.client.putTable(tableOf(replicas.map(({ port }) => port)), soon());
    for (let round = 0; round < 10; round += 1) await get(ingress.httpPort);
    assert.deepEqual(counts, [5, 5]);
    for (const replica of replicas) replica.stop();
  });

  test("a kept connection asks the new table, and what is under way ends with the old one", async () => {
    let finish: (() => void) | undefined;
    const old = await startApp((request, response) => {
      if (request.url !== "/long") return response.end("old");
      response.write("begun by old, ");
      finish = () => response.end("ended by old");
      return undefined;
    });
    const fresh = await startApp((_request, response) => response.end("fresh"));
    await ingress.client.putTable(tableOf([old.port]), soon());
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal((await get(ingress.httpPort, { agent })).body, "old");
    const long = get(ingress.httpPort, { path: "/long" });
    await until("it is under way", () => finish !== undefined);
    await ingress.client.putTable(tableOf([fresh.port]), soon());
    assert.equal((await get(ingress.httpPort, { agent })).body, "fresh");
    finish?.();
    assert.equal((await long).body, "begun by old, ended by old");
    agent.destroy();
    old.stop();
    fresh.stop();
  });

  const echo: http.RequestListener = (request, response) => void request.pipe(response);
  for (const [method, body] of [
    ["GET", ""],
    ["POST", "fossora ".repeat(100_000)],
  ] as const) {
    test(`a ${method} without a backend is held until the table brings one`, async () => {
      await ingress.client.putTable(tableOf([]), soon());
      const waiting = get(ingress.httpPort, { method, body });
      await held();
      const late = await startApp(echo);
      await ingress.client.putTable(tableOf([late.port]), soon());
      const { status, body: heard } = await waiting;
      assert.deepEqual([status, heard], [200, body]);
      late.stop();
    });

    test(`a ${method} is held while the app restarts at its address`, async () => {
      const port = await freePort();
      await ingress.client.putTable(tableOf([port]), soon());
      const waiting = get(ingress.httpPort, { method, body });
      await held();
      const late = http.createServer(echo).listen(port, "127.0.0.1");
      const { status, body: heard } = await waiting;
      assert.deepEqual([status, heard], [200, body]);
      late.close();
    });
  }

  test("who is held too long gets a page that says why and asks again", async () => {
    await ingress.client.putTable(
      tableOf([], { holdMs: 50, waiting: { reason: "ImagePullFailed", message: "The image is not there." } }),
      soon(),
    );
    const page = await get(ingress.httpPort);
    assert.equal(page.status, 503);
    assert.match(page.body, /The image is not there\.[^]*ImagePullFailed/);
    assert.ok(Number(page.headers["retry-after"]) > 0 && page.headers["cache-control"] === "no-store");
    assert.match(String(page.headers["content-security-policy"]), /^default-src 'none'; style-src 'sha256-/);
    assert.equal(page.headers["x-content-type-options"], "nosniff");
    assert.equal((await get(ingress.httpPort, { method: "POST", body: "x" })).status, 503);
  });

  test("a client that does not wait is no longer held", async () => {
    await ingress.client.putTable(tableOf([], { holdMs: 60_000 }), soon());
    const abort = new AbortController();
    const waiting = get(ingress.httpPort, { signal: abort.signal });
    await held();
    abort.abort();
    await assert.rejects(waiting);
    await until("nobody is held", async () => /fossora_http_held 0/.test(await ingress.metrics()));
  });

  test("a body above the route's limit is refused, announced or not", async () => {
    const sink = await startApp((request, response) => request.resume().on("end", () => response.end("taken")));
    await ingress.client.putTable(tableOf([sink.port], { maxBodyBytes: 10 }), soon());
    const post = async (body: string, headers: Record<string, string>) =>
      (await get(ingress.httpPort, { method: "POST", body, headers })).status;
    assert.equal(await post("x".repeat(10), { "Content-Length": "10" }), 200);
    assert.equal(await post("x".repeat(11), { "Content-Length": "11" }), 413);
    assert.equal(await post("x".repeat(11), { "Transfer-Encoding": "chunked" }), 413);
    sink.stop();
  });

  test("an app that does not answer in its time is answered for with 504", async () => {
    const mute = await startApp(() => undefined);
    await ingress.client.putTable(tableOf([mute.port], { responseTimeoutMs: 50 }), soon());
    assert.equal((await get(ingress.httpPort)).status, 504);
    mute.stop();
  });

  test("headers of the route are set both ways, and the app hears nothing of the client where it must not", async () => {
    const echo = await startApp((request, response) => response.setHeader("X-App", "1").end(JSON.stringify(request.headers)));
    const headers = { request: { "X-Set": "house" }, response: { "X-App": "house" } };
    await ingress.client.putTable(tableOf([echo.port], { headers, forwardedHeaders: "none" }), soon());
    const got = await get(ingress.httpPort, { headers: { "x-set": "client" } });
    const seen = JSON.parse(got.body) as Record<string, string>;
    assert.deepEqual([seen["x-set"], seen["x-forwarded-for"], got.headers["x-app"]], ["house", undefined, "house"]);
    echo.stop();
  });

  test("an absolute target is served when it names the Host, and refused when not", async () => {
    await ingress.client.putTable(tableOf([app.port]), soon());
    assert.equal((await get(ingress.httpPort, { path: "http://hello.home.internal/x" })).status, 200);
    assert.equal((await get(ingress.httpPort, { path: "http://other.home.internal/x" })).status, 400);
    assert.equal((await get(ingress.httpPort, { headers: { Host: "unknown.home.internal" } })).status, 404);
  });
});

/** A backend that never takes a connection: stopped, with its queue full. The kernel then drops whoever knocks. */
async function silentBackend(): Promise<{ readonly port: number; stop(): void }> {
  const script = `const s=require("net").createServer();s.listen({port:0,host:"127.0.0.1",backlog:1},()=>console.log(s.address().port))`;
  const child: ChildProcess = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
  assert(child.stdout);
  const [line] = (await once(child.stdout, "data")) as [Buffer];
  const port = Number(String(line));
  child.kill("SIGSTOP");
  const knocking: net.Socket[] = [];
  const knock = async (): Promise<boolean> => {
    const socket = net.connect(port, "127.0.0.1");
    socket.on("error", () => undefined);
    knocking.push(socket);
    return Promise.race([once(socket, "connect").then(() => true), new Promise<boolean>((done) => setTimeout(() => done(false), 300))]);
  };
  await until("its queue is full", async () => !(await knock()));
  return {
    port,
    stop() {
      for (const socket of knocking) socket.destroy();
      child.kill("SIGKILL");
    },
  };
}
