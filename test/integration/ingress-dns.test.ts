// DNS as computers ask it: over UDP and TCP, from outside and from containers, before and after the first table.
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { once } from "node:events";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import dnsPacket from "dns-packet";
import { sendFromPort0, soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";

const GATEWAY = "127.0.0.9";

describe("an ingress as a name server", () => {
  let ingress: TestIngress;
  let upstream: Upstream;
  before(async () => {
    [ingress, upstream] = await Promise.all([startIngress(), startUpstream()]);
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
      assert.equal((await ask(ingress.dnsPort, "hello.home.internal", "AAAA")).rcode, "NOERROR");
      assert.equal((await ask(ingress.dnsPort, "example.com")).rcode, "REFUSED");
    }
  });

  test("outlives a question that comes from port 0, where nobody can be answered", (t) => {
    if (process.getuid?.() !== 0) return t.skip("needs root for a raw socket");
    sendFromPort0(ingress.dnsPort, question("hello.home.internal", "A", 1));
    return askUdp(ingress.dnsPort, "hello.home.internal").then((answer) => assert.equal(answer.rcode, "NOERROR"));
  });

  test("sends who asks for much to TCP, which has room", async () => {
    assert.ok((await askUdp(ingress.dnsPort, "big.home.internal", "TXT")).flag_tc);
    assert.equal((await askTcp(ingress.dnsPort, "big.home.internal", "TXT")).answers?.length, 1);
  });

  test("answers many questions on one connection, however the bytes arrive", async () => {
    const socket = net.connect(ingress.dnsPort, "127.0.0.1");
    const bytes = Buffer.concat(Array.from({ length: 20 }, (_, id) => framed(question("hello.home.internal", "A", id))));
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
      const outside = await ask(ingress.dnsPort, "Example.com", "A", GATEWAY);
      assert.deepEqual(
        outside.answers?.map((row) => "data" in row && row.data),
        ["203.0.113.7"],
      );
      const inside = await ask(ingress.dnsPort, "hello.home.internal", "A", GATEWAY);
      assert.deepEqual(
        inside.answers?.map((row) => "data" in row && row.data),
        [GATEWAY],
      );
    }
    assert.equal((await askUdp(ingress.dnsPort, "example.com")).rcode, "REFUSED", "only on the gateway");
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
    assert.equal((await askUdp(ingress.dnsPort, "example.com", "A", GATEWAY)).rcode, "SERVFAIL");
  });
});

type Answer = dnsPacket.DecodedPacket & { readonly rcode?: string };

function question(name: string, type: string, id = 1): Buffer {
  return dnsPacket.encode({ type: "query", id, flags: dnsPacket.RECURSION_DESIRED, questions: [{ name, type: type as "A" }] });
}

async function askUdp(port: number, name: string, type = "A", address = "127.0.0.1"): Promise<Answer> {
  const socket = dgram.createSocket("udp4");
  socket.send(question(name, type), port, address);
  const [packet] = (await once(socket, "message", { signal: soon() })) as [Buffer];
  socket.close();
  return dnsPacket.decode(packet);
}

async function askTcp(port: number, name: string, type = "A", address = "127.0.0.1"): Promise<Answer> {
  const socket = net.connect(port, address);
  socket.write(framed(question(name, type)));
  const [packet] = await readFramed(socket, 1);
  socket.destroy();
  assert(packet);
  return packet;
}

function framed(packet: Buffer): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(packet.length);
  return Buffer.concat([length, packet]);
}

async function readFramed(socket: net.Socket, count: number): Promise<readonly Answer[]> {
  const packets: Answer[] = [];
  let rest = Buffer.alloc(0);
  for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 2 && rest.length >= rest.readUInt16BE(0) + 2) {
      packets.push(dnsPacket.decode(rest.subarray(2, rest.readUInt16BE(0) + 2)));
      rest = rest.subarray(rest.readUInt16BE(0) + 2);
    }
    if (packets.length >= count) break;
  }
  return packets;
}

interface Upstream {
  readonly port: number;
  stop(): void;
}

/** Answers every question with one address, over UDP and TCP. */
async function startUpstream(): Promise<Upstream> {
  const answer = (packet: Buffer): Buffer => {
    const { id, questions = [] } = dnsPacket.decode(packet);
    return dnsPacket.encode({
      type: "response",
      id: id ?? 0,
      questions,
      answers: questions.map(({ name }) => ({ name, type: "A", ttl: 60, data: "203.0.113.7" })),
    });
  };
  const udp = dgram.createSocket("udp4").bind(0, "127.0.0.1");
  await once(udp, "listening");
  udp.on("message", (packet, sender) => udp.send(answer(packet), sender.port, sender.address));
  const { port } = udp.address();
  const tcp = net
    .createServer((socket) => socket.on("data", (chunk: Buffer) => socket.write(framed(answer(chunk.subarray(2))))))
    .listen(port, "127.0.0.1");
  await once(tcp, "listening");
  return {
    port,
    stop() {
      udp.close();
      tcp.close();
    },
  };
}
