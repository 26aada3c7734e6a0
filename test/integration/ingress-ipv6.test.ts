// An ingress that is asked by IPv6: pages, names, raw ports, who asks, and a handover of the sockets.
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import type { Table } from "../../src/api/table.ts";
import { freePort, get, soon, startApp, startIngress, tableOf, type TestApp, type TestIngress } from "../support/ingress.ts";
import { addressesIn, askTcp, askUdp } from "../support/name-server.ts";
import { readProxyHeader } from "../support/proxy-protocol.ts";
import { startTcpApp, startUdpApp, talk, udpClient, type TcpApp, type UdpApp } from "../support/streams.ts";
import { until } from "../support/until.ts";

const LOOPBACK = "::1";
const addresses = ["fd00:1::10", "2001:db8::10"];

async function hasIpv6(): Promise<boolean> {
  const server = net.createServer().listen(0, LOOPBACK);
  const has = await Promise.race([once(server, "listening").then(() => true), once(server, "error").then(() => false)]);
  server.close();
  return has;
}

describe("an ingress asked by IPv6", { skip: (await hasIpv6()) ? false : "this computer has no IPv6" }, () => {
  let ingress: TestIngress;
  let app: TestApp;
  let tcp: TcpApp;
  let udp: UdpApp;
  let rawPort: number;
  let accessLog: string;
  const tableWith = (allow?: readonly string[]): Table => {
    const raw = (protocol: "tcp" | "udp", port: number): Table["streams"][number] => ({
      name: protocol,
      protocol,
      port: rawPort,
      backends: [{ node: "attic", instance: protocol, host: "127.0.0.1", port }],
      proxyProtocol: "v2",
      idleTimeoutMs: 60_000,
      ...(allow && { allow }),
    });
    return {
      ...tableOf([app.port], allow && { allow }),
      streams: [raw("tcp", tcp.port), raw("udp", udp.port)],
      nodes: { attic: { lan: ["192.168.1.10", ...addresses], tailnet: [] } },
    };
  };
  const serve = (allow?: readonly string[]): Promise<void> => ingress.client.putTable(tableWith(allow), soon());

  before(async () => {
    [ingress, rawPort] = await Promise.all([startIngress(), freePort()]);
    app = await startApp((request, response) => void response.end(request.headers["x-forwarded-for"]));
    tcp = await startTcpApp((socket) => socket.pipe(socket));
    udp = await startUdpApp();
    accessLog = path.join(ingress.dataDir, "access.log");
    const settings = {
      http: { addresses: ["::"], ports: [ingress.httpPort] },
      dns: { addresses: ["127.0.0.1", LOOPBACK], ports: [ingress.dnsPort] },
      accessLog,
    };
    await ingress.client.putSettings(settings, soon());
    await serve();
  });
  after(async () => {
    app.stop();
    await ingress.stop();
    await Promise.all([tcp[Symbol.asyncDispose](), udp[Symbol.asyncDispose]()]);
  });

  test("a page comes by both, and the app and the log are told who asks", async () => {
    for (const host of ["127.0.0.1", LOOPBACK]) assert.equal((await get(ingress.httpPort, { host })).body, host);
    const clients = await until("both are in the log", () => {
      const lines = readFileSync(accessLog, "utf8").trim().split("\n");
      return lines.length === 2 ? lines.map((line) => (JSON.parse(line) as { readonly client: string }).client) : undefined;
    });
    assert.deepEqual(clients, ["127.0.0.1", LOOPBACK]);
  });

  test("names are answered by both, with addresses of both families", async () => {
    for (const address of ["127.0.0.1", LOOPBACK])
      for (const ask of [askUdp, askTcp]) {
        assert.deepEqual(addressesIn(await ask(ingress.dnsPort, "hello.home.internal", { address })), ["192.168.1.10"]);
        assert.deepEqual(addressesIn(await ask(ingress.dnsPort, "hello.home.internal", { address, type: "AAAA" })), [addresses[0]]);
      }
    const reverse = `0.1.0.0.${"0.".repeat(20)}1.0.0.0.0.0.d.f.ip6.arpa`;
    assert.deepEqual(addressesIn(await askUdp(ingress.dnsPort, reverse, { address: LOOPBACK, type: "PTR" })), ["attic.node.home.internal"]);
  });

  test("raw ports answer by both, and the app is told who asks", async () => {
    for (const host of ["127.0.0.1", LOOPBACK]) {
      const told = readProxyHeader(await talk(rawPort, Buffer.from("hello"), host));
      assert.deepEqual([told.from?.address, told.to, String(told.rest)], [host, { address: host, port: rawPort }, "hello"]);
      await using client = await udpClient(host);
      await until("it is answered", () => {
        client.send("hello", rawPort, host);
        return new Promise<boolean>((done) => setTimeout(() => done(client.heard.length > 0), 20));
      });
      const heard = readProxyHeader(Buffer.from(client.heard[0] ?? "", "latin1"));
      assert.deepEqual([heard.transport, heard.from?.address, heard.to?.port], ["udp", host, rawPort]);
    }
  });

  test("another process takes the sockets over, and answers by both", async () => {
    await ingress.client.handover(ingress.program, soon());
    for (const address of ["127.0.0.1", LOOPBACK]) {
      assert.equal((await get(ingress.httpPort, { host: address })).body, address);
      assert.deepEqual(addressesIn(await askUdp(ingress.dnsPort, "hello.home.internal", { address, type: "AAAA" })), [addresses[0]]);
      assert.equal(String(readProxyHeader(await talk(rawPort, Buffer.from("hello"), address)).rest), "hello");
    }
  });
});
