// What `fossora dns check` asks with, against real servers: the house's own, silent and closed ports, and a recorded tailscaled.
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import http from "node:http";
import { tmpdir } from "node:os";
import path from "node:path";
import { after, before, describe, test } from "node:test";
import { ask } from "../../src/adapters/dns/ask.ts";
import { lookup } from "../../src/adapters/system/lookup.ts";
import { splitDns } from "../../src/adapters/tailscale/split-dns.ts";
import { parseMetrics, valueOf } from "../support/prometheus.ts";
import { freePort, soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";

const RECORDED = path.join(import.meta.dirname, "../lab/fixtures/tailscale/dns-config.json");

describe("asking name servers", () => {
  let ingress: TestIngress;
  before(async () => {
    ingress = await startIngress();
    await ingress.client.putTable(tableOf([1]), soon());
  });
  after(() => ingress.stop());

  for (const protocol of ["udp", "tcp"] as const) {
    test(`the house answers for its zone and its apps over ${protocol}`, async () => {
      const server = { address: "127.0.0.1", port: ingress.dnsPort, protocol };
      const soa = await ask(server, "home.internal", "SOA");
      assert.deepEqual([soa.rcode, soa.authoritative, soa.answers], ["NOERROR", true, [{ type: "SOA", data: "ns.home.internal" }]]);
      const app = await ask(server, "hello.home.internal", "A");
      assert.deepEqual([app.rcode, app.answers], ["NOERROR", [{ type: "A", data: "192.168.1.10" }]]);
      assert.equal((await ask(server, "nobody.home.internal", "A")).rcode, "NXDOMAIN");
      assert.equal((await ask(server, "example.com", "A")).rcode, "REFUSED");
      assert.ok(app.ms > 0);
    });
  }

  test("what it answered is counted by its code", async () => {
    const count = async (rcode: string): Promise<number> =>
      valueOf(parseMetrics(await ingress.metrics()), "fossora_dns_queries_total", { rcode }) ?? 0;
    const codes = ["NOERROR", "NXDOMAIN", "REFUSED"];
    const before = await Promise.all(codes.map(count));
    const server = { address: "127.0.0.1", port: ingress.dnsPort, protocol: "udp" } as const;
    for (const name of ["hello.home.internal", "hello.home.internal", "nobody.home.internal", "example.com"]) await ask(server, name, "A");
    const after = await Promise.all(codes.map(count));
    assert.deepEqual(
      after.map((value, index) => value - (before[index] ?? 0)),
      [2, 1, 1],
    );
  });

  test("a closed port is refused at once, over both", async () => {
    const port = await freePort();
    for (const protocol of ["udp", "tcp"] as const)
      await assert.rejects(ask({ address: "127.0.0.1", port, protocol }, "x", "A"), /ECONNREFUSED/);
  });

  test("where there is no way to a server the kernel's word for it is the error", async () => {
    // Nobody is connected to everybody.
    await assert.rejects(ask({ address: "255.255.255.255", port: 53, protocol: "udp" }, "x", "A"), /EACCES/);
  });

  test("a server that is silent, and one that talks nonsense, end in an error", async () => {
    const socket = dgram.createSocket("udp4").bind(0, "127.0.0.1");
    await once(socket, "listening");
    const server = { address: "127.0.0.1", port: socket.address().port, protocol: "udp" } as const;
    await assert.rejects(ask(server, "x", "A"), /no answer within 2000 ms/);
    socket.on("message", (packet, { port }) => socket.send(Buffer.concat([packet.subarray(0, 2), Buffer.alloc(10, 0xff)]), port));
    await assert.rejects(ask(server, "x", "A"), /its answer is no DNS message/);
    socket.close();
  });
});

test("this computer's own resolver finds what is in its hosts file", async () => {
  assert.ok((await lookup("localhost")).includes("127.0.0.1"));
});

test("a tailscaled tells its split DNS; without one there is none", async () => {
  const directory = mkdtempSync(path.join(tmpdir(), "fossora-tailscaled-"));
  const socket = path.join(directory, "tailscaled.sock");
  const hosts: (string | undefined)[] = [];
  const server = http
    .createServer((request, response) => {
      hosts.push(request.headers.host);
      if (request.url === "/localapi/v0/dns-config") response.end(readFileSync(RECORDED));
      else response.writeHead(404).end();
    })
    .listen(socket);
  await once(server, "listening");
  assert.deepEqual(await splitDns(socket), { "home.internal": ["100.64.0.1", "100.64.0.2"] });
  assert.deepEqual(hosts, ["local-tailscaled.sock"]);
  server.close();
  await once(server, "close");
  assert.equal(await splitDns(socket), undefined);
  rmSync(directory, { recursive: true });
});
