// What a real ingress counts of raw TCP and UDP: connections and sessions by route and backend, bytes, and who was turned away.
import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import type { StreamRoute } from "../../src/api/table.ts";
import type { RouteTraffic } from "../../src/api/traffic.ts";
import { freePort, soon, startIngress, type TestIngress } from "../support/ingress.ts";
import { parseMetrics, valueOf } from "../support/prometheus.ts";
import { startTcpApp, startUdpApp, streamTable, talk, tcpClient, udpClient } from "../support/streams.ts";
import { until } from "../support/until.ts";

const SENT = Buffer.alloc(100_000, "x");

describe("what the ingress counts of raw routes", () => {
  let ingress: TestIngress;
  let port = 0;
  before(async () => {
    [ingress, port] = await Promise.all([startIngress(), freePort()]);
  });
  after(() => ingress.stop());

  async function serve(protocol: "tcp" | "udp", backends: readonly number[], more: Partial<StreamRoute> = {}): Promise<string> {
    await ingress.client.putTable({ ...streamTable(protocol, port, []), streams: [] }, soon());
    const table = streamTable(protocol, port, backends, more);
    await ingress.client.putTable(table, soon());
    return table.streams[0]?.name ?? "";
  }

  const told = (what: string, is: (route: RouteTraffic) => boolean): Promise<RouteTraffic> =>
    until(what, async () => (await ingress.client.traffic(soon())).routes.find(is));

  test("a TCP connection is open, then it has ended, with its bytes", async () => {
    await using app = await startTcpApp((socket) => socket.pipe(socket));
    const name = await serve("tcp", [app.port]);
    const client = await tcpClient(port);
    client.write("hello");
    await once(client, "data");
    const running = await told("its bytes are counted", ({ bytesIn, bytesOut }) => bytesIn === 5 && bytesOut === 5);
    assert.deepEqual([running.protocol, running.open, running.requests], ["tcp", 1, 0]);
    client.destroy();
    await told("it has ended", ({ open, requests }) => open === 0 && requests === 1);
    assert.ok((await talk(port, SENT)).equals(SENT));
    const ended = await told("both are counted", ({ requests }) => requests === 2);
    assert.deepEqual([ended.bytesIn, ended.bytesOut, ended.backends[0]?.requests, ended.reasons], [100_005, 100_005, 2, {}]);
    const scraped = parseMetrics(await ingress.metrics());
    assert.equal(valueOf(scraped, "fossora_stream_ended_total", { route: name }), 2);
    assert.equal(valueOf(scraped, "fossora_stream_received_bytes_total", { route: name }), 100_005);
  });

  test("a backend that refuses is named with its error", async () => {
    await using app = await startTcpApp((socket) => socket.pipe(socket));
    await serve("tcp", [await freePort(), app.port]);
    // They take turns.
    for (let index = 0; index < 2; index += 1) assert.ok((await talk(port, SENT)).equals(SENT));
    const route = await told("both are counted", ({ requests }) => requests === 2);
    assert.ok(route.backends.some(({ faults, lastError }) => faults.unreachable === 1 && lastError?.message.includes("ECONNREFUSED")));
  });

  test("UDP sessions, their datagrams, and how soon the first answer came", async () => {
    await using app = await startUdpApp();
    await serve("udp", [app.port], { idleTimeoutMs: 300 });
    const client = await udpClient();
    await until("it is answered", () => {
      client.send("four", port);
      return new Promise<boolean>((done) => setTimeout(() => done(client.heard.length > 0), 20));
    });
    const ended = await told("the session has ended", ({ requests, open }) => requests === 1 && open === 0);
    assert.equal(ended.protocol, "udp");
    assert.ok(ended.bytesIn >= 4 && ended.bytesIn % 4 === 0 && ended.bytesOut >= 4);
    assert.equal(ended.backends[0]?.firstByte?.requests, 1);
    await client[Symbol.asyncDispose]();
  });
});
