// DNS as computers ask it: over UDP and TCP, from outside and from containers, before and after the first table.
import assert from "node:assert/strict";
import { once } from "node:events";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { sendFromPort0, soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { addressesIn, askTcp, askUdp, framed, question, readFramed, startNameServer, type TestNameServer } from "../support/name-server.ts";

const GATEWAY = "127.0.0.9";

describe("an ingress as a name server", () => {
  let ingress: TestIngress;
  let upstream: TestNameServer;
  before(async () => {
    [ingress, upstream] = await Promise.all([startIngress(), startNameServer()]);
  });
  after(async () => {
    await ingress.stop();
    upstream.stop();
  });

  test("says that it does not know before it has a table, never that a name is not there", async () => {
    assert.equal((await askUdp(ingress.dnsPort, "hello.home.internal")).rcode, "SERVFAIL");
    await ingress.client.putTable(
      { ...tableOf([]), records: [{ name: "big.home.internal", type: "TXT", values: ["x".repeat(2000)], ttl: 5 }] },
      soon(),
    );
  });

  test("answers over UDP and TCP alike", async () => {
    for (const ask of [askUdp, askTcp]) {
      const answer = await ask(ingress.dnsPort, "HELLO.home.internal");
      assert.deepEqual(
        answer.answers?.map((row) => [row.name, "data" in row && row.data]),
        [["HELLO.home.internal", "192.168.1.10"]],
      );
      assert.equal((await ask(ingress.dnsPort, "nobody.home.internal")).rcode, "NXDOMAIN");
      assert.equal((await ask(ingress.dnsPort, "hello.home.internal", { type: "AAAA" })).rcode, "NOERROR");
      assert.equal((await ask(ingress.dnsPort, "example.com")).rcode, "REFUSED");
    }
  });

  test("outlives a question that comes from port 0, where nobody can be answered", (t) => {
    if (process.getuid?.() !== 0) return t.skip("needs root for a raw socket");
    sendFromPort0(ingress.dnsPort, question("hello.home.internal"));
    return askUdp(ingress.dnsPort, "hello.home.internal").then((answer) => assert.equal(answer.rcode, "NOERROR"));
  });

  test("sends who asks for much to TCP, which has room", async () => {
    assert.ok((await askUdp(ingress.dnsPort, "big.home.internal", { type: "TXT" })).flag_tc);
    assert.equal((await askTcp(ingress.dnsPort, "big.home.internal", { type: "TXT" })).answers?.length, 1);
  });

  test("answers many questions on one connection, however the bytes arrive", async () => {
    const socket = net.connect(ingress.dnsPort, "127.0.0.1");
    const bytes = Buffer.concat(Array.from({ length: 20 }, (_, id) => framed(question("hello.home.internal", {}, id))));
    for (let offset = 0; offset < bytes.length; offset += 7) socket.write(bytes.subarray(offset, offset + 7));
    const ids = (await readFramed(socket, 20)).map((packet) => packet.id);
    assert.deepEqual(
      ids,
      Array.from({ length: 20 }, (_, id) => id),
    );
    socket.destroy();
  });

  test("closes a connection that does not talk DNS", async () => {
    const socket = net.connect(ingress.dnsPort, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\n\r\n");
    await once(socket, "close");
  });

  test("asks the host's name servers in a container's stead, and answers the zone itself", async () => {
    const dns = { ...ingress.settings.dns, addresses: ["127.0.0.1", GATEWAY] };
    const containers = { gateway: GATEWAY, subnets: ["127.0.0.0/8"], upstreams: ["127.0.0.1:1", `127.0.0.1:${upstream.port}`] };
    await ingress.client.putSettings({ ...ingress.settings, dns, containers }, soon());
    for (const ask of [askUdp, askTcp]) {
      const outside = await ask(ingress.dnsPort, "Example.com", { address: GATEWAY });
      assert.deepEqual(addressesIn(outside), ["203.0.113.7"]);
      const inside = await ask(ingress.dnsPort, "hello.home.internal", { address: GATEWAY });
      assert.deepEqual(addressesIn(inside), [GATEWAY]);
    }
    assert.equal((await askUdp(ingress.dnsPort, "example.com")).rcode, "REFUSED", "only on the gateway");
  });

  test("knows nothing any more when its house is forgotten, also after a restart", async () => {
    await ingress.client.putSettings(ingress.settings, soon());
    await ingress.client.putTable(tableOf([]), soon());
    assert.equal((await askUdp(ingress.dnsPort, "hello.home.internal")).rcode, "NOERROR");
    await ingress.client.forgetTable(soon());
    assert.equal((await askUdp(ingress.dnsPort, "hello.home.internal")).rcode, "SERVFAIL");
    const { pid } = await ingress.client.status(soon());
    process.kill(pid, "SIGTERM");
    await ingress.client.gone(soon());
    await ingress.start();
    assert.equal((await askUdp(ingress.dnsPort, "hello.home.internal")).rcode, "SERVFAIL");
    await ingress.client.putTable(tableOf([]), soon());
  });

  test("says that it failed when no name server of the host answers", async () => {
    await ingress.client.putSettings(
      {
        ...ingress.settings,
        dns: { ...ingress.settings.dns, addresses: [GATEWAY] },
        containers: { gateway: GATEWAY, subnets: ["127.0.0.0/8"], upstreams: [] },
      },
      soon(),
    );
    assert.equal((await askUdp(ingress.dnsPort, "example.com", { address: GATEWAY })).rcode, "SERVFAIL");
  });
});
