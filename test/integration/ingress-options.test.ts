// What a route may say, seen by a client: redirects, who is let in, addresses outside of the house, backends that come and go.
import assert from "node:assert/strict";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import http from "node:http";
import https from "node:https";
import type net from "node:net";
import os from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { TLSSocket } from "node:tls";
import { createAuthority } from "../../src/adapters/x509/certificates.ts";
import type { HttpRoute, Table } from "../../src/api/table.ts";
import { get, soon, startApp, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { testLeaf } from "../support/leaf.ts";
import { LoopbackAddresses } from "../support/loopback.ts";
import { disposableApp, openWebSocket, rawRequest, webSocketApp } from "../support/proxy.ts";
import { recordingApp } from "../support/recording-app.ts";
import { until } from "../support/until.ts";

/** Where the route leads, as the agent writes it for an address outside of the house. */
function outside(port: number, tls: "verify" | "insecure" | undefined, authority: string, more: Partial<HttpRoute> = {}): Table {
  const backend = { node: "attic", instance: "", host: "localhost", port, ...(tls && { tls }), authority };
  return tableOf([], { backends: [backend], holdMs: 0, ...more });
}

describe("a route of the ingress", () => {
  let ingress: TestIngress;
  let directory: string;
  let device: https.Server;
  let stranger: https.Server;
  const portOf = (server: https.Server): number => (server.address() as net.AddressInfo).port;
  before(async () => {
    directory = await mkdtemp(path.join(os.tmpdir(), "fossora-options-"));
    const authority = await createAuthority("test", Date.now());
    const other = await createAuthority("other", Date.now());
    const ca = path.join(directory, "ca.pem");
    await writeFile(ca, authority.certificate);
    process.env["NODE_EXTRA_CA_CERTS"] = ca;
    ingress = await startIngress();
    delete process.env["NODE_EXTRA_CA_CERTS"];
    [device, stranger] = (await Promise.all(
      [authority, other].map(async (issuer) => {
        const { key, certificate } = await testLeaf(issuer, ["localhost"]);
        const server = https.createServer({ key, cert: certificate }, (request, response) => {
          if (request.url === "/") return void response.writeHead(302, { Location: `https://localhost:${portOf(server)}/login?x` }).end();
          const { servername } = request.socket as TLSSocket;
          return void response.end(JSON.stringify({ ...request.headers, servername }));
        });
        server.on("upgrade", (_request, socket) => {
          socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
          socket.pipe(socket);
        });
        await once(server.listen(0, "127.0.0.1"), "listening");
        return server;
      }),
    )) as [https.Server, https.Server]; // two authorities
  });
  after(async () => {
    await ingress.stop();
    for (const server of [device, stranger]) {
      server.close();
      server.closeAllConnections();
    }
    await rm(directory, { recursive: true });
  });

  test("redirects, and keeps path and query where its address ends with a slash", async () => {
    await ingress.client.putTable(tableOf([], { redirect: { to: "https://new.example/", status: 308 } }), soon());
    const kept = await get(ingress.httpPort, { method: "POST", path: "/a%20b?c=/d", body: "x" });
    assert.deepEqual([kept.status, kept.headers.location], [308, "https://new.example/a%20b?c=/d"]);
    await ingress.client.putTable(tableOf([], { redirect: { to: "https://new.example/start", status: 302 } }), soon());
    const whole = await get(ingress.httpPort, { path: "/a" });
    assert.deepEqual([whole.status, whole.headers.location, whole.body], [302, "https://new.example/start", ""]);
  });

  test("does not ask for a body that it will not take", async () => {
    const sink = await startApp((request, response) => request.resume().on("end", () => response.end("taken")));
    const post = (bytes: number): Promise<string> =>
      rawRequest(
        ingress.httpPort,
        `POST / HTTP/1.1\r\nHost: hello\r\nExpect: 100-continue\r\nConnection: close\r\nContent-Length: ${bytes}\r\n\r\n${"x".repeat(bytes)}`,
      );
    await ingress.client.putTable(tableOf([sink.port], { maxBodyBytes: 10 }), soon());
    assert.match(await post(10), /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200/);
    assert.match(await post(11), /^HTTP\/1\.1 413/);
    await ingress.client.putTable(tableOf([sink.port], { redirect: { to: "https://new.example/", status: 308 } }), soon());
    assert.match(await post(10), /^HTTP\/1\.1 308/);
    await ingress.client.putTable(tableOf([], { holdMs: 0 }), soon());
    assert.match(await post(10), /^HTTP\/1\.1 503/);
    sink.stop();
  });

  test("lets in whom it allows, by the address that they come from", async (t) => {
    if (process.getuid?.() !== 0) return t.skip("needs root to add an address");
    const addresses = ["10.254.78.1", "100.100.78.1"];
    const app = await startApp();
    const loopback = new LoopbackAddresses(...addresses.map((address) => `${address}/32`));
    loopback.add();
    try {
      await ingress.client.putSettings({ ...ingress.settings, http: { ...ingress.settings.http, addresses } }, soon());
      const statuses = async (allow: readonly string[]): Promise<readonly number[]> => {
        await ingress.client.putTable(tableOf([app.port], { allow }), soon());
        return Promise.all(
          addresses.map(async (address) => {
            const forged = { "X-Forwarded-For": "127.0.0.1", Forwarded: "for=127.0.0.1", "X-Real-IP": "127.0.0.1" };
            return (await get(ingress.httpPort, { host: address, localAddress: address, headers: forged })).status;
          }),
        );
      };
      assert.deepEqual(await statuses(["lan"]), [200, 403]);
      assert.deepEqual(await statuses(["tailnet"]), [403, 200]);
      assert.deepEqual(await statuses(["10.254.78.0/24"]), [200, 403]);
      assert.deepEqual(await statuses([]), [403, 403]);
    } finally {
      loopback.remove();
      await ingress.client.putSettings(ingress.settings, soon());
      app.stop();
    }
    return undefined;
  });

  test("to an address outside asks for the name in that address, and says what the client asked for", async () => {
    const authority = `localhost:${portOf(device)}`;
    await ingress.client.putTable(outside(portOf(device), "verify", authority), soon());
    const headers = { Origin: "http://hello.home.internal", Referer: "http://hello.home.internal/page" };
    const seen = JSON.parse((await get(ingress.httpPort, { path: "/x", headers })).body) as Record<string, string>;
    assert.deepEqual(
      [seen["host"], seen["servername"], seen["x-forwarded-host"], seen["origin"], seen["referer"]],
      [authority, "localhost", "hello.home.internal", `https://${authority}`, `https://${authority}/page`],
    );
    const login = await get(ingress.httpPort);
    assert.deepEqual([login.status, login.headers.location], [302, "/login?x"]);
    const socket = await openWebSocket(ingress.httpPort);
    socket.write("echo");
    assert.equal(String((await once(socket, "data"))[0]), "echo");
    socket.destroy();
  });

  test("to an address outside keeps the client's name where it says so", async () => {
    const more = { headers: { request: { host: "hello.home.internal" } } };
    await ingress.client.putTable(outside(portOf(device), "verify", "localhost", more), soon());
    const { body } = await get(ingress.httpPort, { path: "/x", headers: { Origin: "http://hello.home.internal" } });
    const seen = JSON.parse(body) as Record<string, string>;
    assert.deepEqual([seen["host"], seen["origin"]], ["hello.home.internal", "http://hello.home.internal"]);
  });

  test("sets a header in place of any other of that name, however it is written", async () => {
    await using seen = await recordingApp();
    await using door = await disposableApp((_request, response) => void response.writeHead(204, { "Remote-User": "anna" }).end());
    const headers = {
      request: { Origin: "https://own.example", REFERER: "https://own.example/page", "remote-user": "nobody" },
      response: { LOCATION: "/own" },
    };
    const forwardAuth = { url: `http://127.0.0.1:${door.port}/`, headers: ["Remote-User"] };
    await ingress.client.putTable(outside(seen.port, undefined, "router", { headers, forwardAuth }), soon());
    const asked = { Origin: "http://hello.home.internal", Referer: "http://hello.home.internal/page" };
    assert.equal((await get(ingress.httpPort, { headers: asked })).status, 200);
    const lines = seen.requests[0]?.headers.filter(([name]) => /^(host|origin|referer|remote-user)$/i.test(name)) ?? [];
    assert.deepEqual(Object.fromEntries(lines.map(([name, value]) => [name.toLowerCase(), value])), {
      host: "router",
      origin: "https://own.example",
      referer: "https://own.example/page",
      "remote-user": "anna",
    });
    assert.equal(lines.length, 4);
    await ingress.client.putTable(outside(portOf(device), "verify", `localhost:${portOf(device)}`, { headers }), soon());
    const answer = await rawRequest(ingress.httpPort, "GET / HTTP/1.1\r\nHost: hello\r\nConnection: close\r\n\r\n");
    assert.deepEqual(answer.match(/^location:.*/gim), ["LOCATION: /own"]);
  });

  test("checks whom it speaks TLS with, unless it says that it shall not", async () => {
    await ingress.client.putTable(outside(portOf(stranger), "verify", "localhost"), soon());
    assert.equal((await get(ingress.httpPort, { path: "/x" })).status, 502);
    await ingress.client.putTable(outside(portOf(stranger), "insecure", "localhost"), soon());
    assert.equal((await get(ingress.httpPort, { path: "/x" })).status, 200);
    // What was let in without a check is not let in with one, over a connection that was kept.
    await ingress.client.putTable(outside(portOf(stranger), "verify", "localhost"), soon());
    assert.equal((await get(ingress.httpPort, { path: "/x" })).status, 502);
    // One that speaks no TLS, and one that speaks nothing else.
    const plain = await startApp();
    await ingress.client.putTable(outside(plain.port, "insecure", "localhost"), soon());
    assert.equal((await get(ingress.httpPort)).status, 502);
    await ingress.client.putTable(outside(portOf(device), undefined, "localhost"), soon());
    assert.equal((await get(ingress.httpPort)).status, 502);
    plain.stop();
  });

  test("asks who may come in over TLS where that app has its own, and checks whom it asks, unless it says that it shall not", async () => {
    const app = await startApp();
    const names: unknown[] = [];
    const seen = ({ servername }: TLSSocket): void => void names.push(servername); // its types leave it out for this event
    for (const server of [device, stranger]) server.on("secureConnection", seen);
    const statusOf = async (door: https.Server, tls: "verify" | "insecure", host = "localhost"): Promise<number> => {
      const backends = [{ node: "attic", instance: "door", host, port: portOf(door), tls }];
      const doorRoute: HttpRoute = { name: "door", host: "door", path: "/", backends, holdMs: 0, forwardedHeaders: "standard" };
      const table = tableOf([app.port], { forwardAuth: { url: "http://door/verify", headers: [] } });
      await ingress.client.putTable({ ...table, http: [...table.http, doorRoute] }, soon());
      return (await get(ingress.httpPort)).status;
    };
    assert.equal(await statusOf(device, "verify"), 200);
    assert.equal(await statusOf(stranger, "insecure"), 200);
    assert.equal(await statusOf(stranger, "insecure", "127.0.0.1"), 200);
    assert.deepEqual(names, ["localhost", "localhost", false]);
    assert.equal(await statusOf(stranger, "verify"), 502);
    assert.equal(await statusOf(device, "verify", "127.0.0.1"), 502);
    for (const server of [device, stranger]) server.off("secureConnection", seen);
    app.stop();
  });

  test("that leads elsewhere now lets what is under way end where it began", async () => {
    const answers: http.ServerResponse[] = [];
    let uploaded = "";
    await using old = await webSocketApp(
      (socket) => socket.pipe(socket),
      (request, response) => {
        if (request.method === "POST") {
          request.on("data", (chunk) => (uploaded += String(chunk)));
          return void request.on("end", () => response.end("taken by the old"));
        }
        response.write("the old ");
        return void answers.push(response);
      },
    );
    const next = await startApp((_request, response) => response.end("the new"));
    await ingress.client.putTable(tableOf([old.port]), soon());
    const download = get(ingress.httpPort);
    const upload = http.request({ port: ingress.httpPort, host: "127.0.0.1", method: "POST", agent: false, headers: { Host: "hello" } });
    upload.write("first ");
    const socket = await openWebSocket(ingress.httpPort);
    await until("all are under way", () => answers.length === 1 && uploaded === "first ");
    for (let swap = 0; swap < 50; swap += 1) await ingress.client.putTable({ ...tableOf([next.port]), revision: swap }, soon());
    assert.equal((await get(ingress.httpPort)).body, "the new");
    answers[0]?.end("ends");
    upload.end("last");
    socket.write("echo");
    assert.equal((await download).body, "the old ends");
    const [taken] = (await once(upload, "response")) as [http.IncomingMessage];
    assert.equal(String((await once(taken, "data"))[0]), "taken by the old");
    assert.equal(uploaded, "first last");
    assert.equal(String((await once(socket, "data"))[0]), "echo");
    socket.destroy();
    next.stop();
  });

  test("that is gone altogether lets what is under way end, and answers 404 from then on", async () => {
    const answers: http.ServerResponse[] = [];
    const app = await startApp((_request, response) => {
      response.write("first ");
      answers.push(response);
    });
    await ingress.client.putTable(tableOf([app.port]), soon());
    const download = get(ingress.httpPort);
    await until("it is under way", () => answers.length === 1);
    await ingress.client.putTable({ ...tableOf([]), http: [] }, soon());
    assert.equal((await get(ingress.httpPort)).status, 404);
    answers[0]?.end("last");
    assert.equal((await download).body, "first last");
    app.stop();
  });
});
