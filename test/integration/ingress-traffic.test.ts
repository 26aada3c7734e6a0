// What a real ingress tells of what it served: by route and backend, and as Prometheus scrapes it.
import assert from "node:assert/strict";
import { once } from "node:events";
import http from "node:http";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import type { RouteTraffic } from "../../src/api/traffic.ts";
import { freePort, get, soon, startApp, startIngress, tableOf, type TestApp, type TestIngress } from "../support/ingress.ts";
import { parseMetrics, valueOf } from "../support/prometheus.ts";
import { until } from "../support/until.ts";

const BODY = Buffer.alloc(100_000, "x");

describe("what the ingress counts", () => {
  let ingress: TestIngress;
  let app: TestApp;
  const release: (() => void)[] = [];

  before(async () => {
    ingress = await startIngress();
    app = await startApp((request, response) => {
      if (request.url === "/slow") {
        response.write("begun");
        release.push(() => response.end());
      } else if (request.url === "/missing") response.writeHead(404).end();
      else if (request.url === "/cut") response.write("half", () => request.socket.destroy());
      else {
        request.resume();
        response.end(BODY);
      }
    });
    app.server.on("upgrade", (_request, socket) => {
      socket.write("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
      socket.on("data", (chunk: Buffer) => socket.write(chunk));
      socket.on("end", () => socket.end()).on("error", () => socket.destroy());
    });
  });
  after(async () => {
    app.stop();
    await ingress.stop();
  });

  const fresh = async (more: Parameters<typeof tableOf>[1] = {}, ports = [app.port]): Promise<void> => {
    // Without the route, its counts go.
    await ingress.client.putTable({ ...tableOf([]), http: [] }, soon());
    await ingress.client.putTable(tableOf(ports, more), soon());
  };
  const told = async (): Promise<RouteTraffic> => {
    const { routes } = await ingress.client.traffic(soon());
    assert.ok(routes[0]);
    return routes[0];
  };
  const toldWhen = (what: string, is: (route: RouteTraffic) => boolean): Promise<RouteTraffic> =>
    until(what, async () => {
      const route = await told();
      return is(route) ? route : undefined;
    });

  test("requests, codes and bytes of a route, over one connection and over several", async () => {
    await fresh();
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    for (let index = 0; index < 5; index += 1) await get(ingress.httpPort, { agent });
    await get(ingress.httpPort, { method: "POST", body: BODY.toString() });
    await get(ingress.httpPort, { path: "/missing" });
    agent.destroy();
    const route = await toldWhen("all is counted", ({ requests }) => requests === 7);
    assert.deepEqual([route.codes["2xx"], route.codes["4xx"], route.open], [6, 1, 0]);
    assert.ok(route.bytesOut > 6 * BODY.length && route.bytesOut < 6 * BODY.length + 5000, `${route.bytesOut} out`);
    assert.ok(route.bytesIn > BODY.length && route.bytesIn < BODY.length + 5000, `${route.bytesIn} in`);
    assert.equal(route.firstByte?.requests, 7);
    assert.equal(route.backends[0]?.requests, 7);
  });

  test("what is still running is counted as far as it is", async () => {
    await fresh();
    const slow = get(ingress.httpPort, { path: "/slow" });
    const running = await toldWhen("the first bytes are counted", ({ bytesOut }) => bytesOut > 0);
    assert.deepEqual([running.open, running.requests], [1, 0]);
    for (const end of release) end();
    await slow;
    await toldWhen("it has ended", ({ open, requests }) => open === 0 && requests === 1);
  });

  test("a WebSocket is a request that runs until it is closed", async () => {
    await fresh();
    const socket = net.connect(ingress.httpPort, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nHost: hello.home.internal\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    await once(socket, "data");
    socket.write("ping".repeat(1000));
    const running = await toldWhen("its bytes are counted", ({ bytesIn }) => bytesIn > 4000);
    assert.equal(running.open, 1);
    socket.destroy();
    const { codes } = await toldWhen("it has ended", ({ open }) => open === 0);
    assert.equal(codes["1xx"], 1);
  });

  test("a backend that is out is named with its error, and who answered for it", async () => {
    const dead = await freePort();
    await fresh({ holdMs: 0 }, [dead]);
    assert.equal((await get(ingress.httpPort)).status, 502);
    const route = await toldWhen("it is counted", ({ requests }) => requests === 1);
    const [backend] = route.backends;
    assert.deepEqual(
      [route.reasons, route.codes["5xx"], backend?.faults, backend?.requests],
      [{ unreachable: 1 }, 1, { unreachable: 1 }, 0],
    );
    assert.match(backend?.lastError?.message ?? "", /ECONNREFUSED/);
    assert.ok(backend?.outForMs !== undefined);
  });

  test("an answer cut off, a client gone, a host unknown", async () => {
    await fresh({ holdMs: 60_000, backends: [] });
    const impatient = http.get({ host: "127.0.0.1", port: ingress.httpPort, headers: { Host: "hello" }, agent: false });
    impatient.on("error", () => undefined);
    await toldWhen("it is held", ({ open }) => open === 1);
    impatient.destroy();
    const { codes, reasons } = await toldWhen("it is gone", ({ open }) => open === 0);
    assert.deepEqual([codes["none"], reasons], [1, { clientGone: 1 }]);
    await fresh();
    await assert.rejects(get(ingress.httpPort, { path: "/cut" }));
    await toldWhen("it is counted", ({ cutOff }) => cutOff === 1);
    await get(ingress.httpPort, { headers: { Host: "nobody" } });
    const scraped = parseMetrics(await ingress.metrics());
    assert.ok((valueOf(scraped, "fossora_http_own_answers_total", { route: "", reason: "unknownHost" }) ?? 0) >= 1);
  });

  test("Prometheus reads all of it", async () => {
    await fresh();
    await get(ingress.httpPort);
    await toldWhen("it is counted", ({ requests }) => requests === 1);
    const scraped = parseMetrics(await ingress.metrics());
    assert.equal(valueOf(scraped, "fossora_http_requests_total", { route: "hello", backend: "hello-0", code: "2xx" }), 1);
    assert.equal(valueOf(scraped, "fossora_http_first_byte_seconds_count", { route: "hello" }), 1);
    assert.equal(valueOf(scraped, "fossora_ingress_build_info", { build: "test" }), 1);
  });
});
