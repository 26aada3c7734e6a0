// A real ingress under packets that nobody should send, over UDP and TCP, with an upstream that answers rubbish: it goes on answering, and
// neither grows nor keeps a socket. FOSSORA_DNS_PACKETS: how many, of which a tenth come this way; FOSSORA_SEED: which.
import assert from "node:assert/strict";
import dgram from "node:dgram";
import { readdirSync } from "node:fs";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import { SeededRandom } from "../fakes/clock.ts";
import { dnsPackets } from "../support/dns-packets.ts";
import { soon, startIngress, tableOf, type TestIngress } from "../support/ingress.ts";
import { addressAnswer, addressesIn, askTcp, askUdp, framed, startNameServer, type TestNameServer } from "../support/name-server.ts";
import { until } from "../support/until.ts";

const PACKETS = Number(process.env["FOSSORA_DNS_PACKETS"] ?? 100_000) * 0.1;
const seed = Number(process.env["FOSSORA_SEED"] ?? 1);
/** Fits the least buffer that a kernel gives a socket. */
const AT_ONCE = 100;
const ON_A_CONNECTION = 20;
const PERSON = { from: "127.0.0.50" };
const RSS_BYTES_MAX = 60 * 1024 * 1024;

describe(`a name server under ${PACKETS.toLocaleString("en")} packets`, () => {
  let ingress: TestIngress;
  let upstream: TestNameServer;
  const random = new SeededRandom(seed);
  const next = dnsPackets(random);

  before(async () => {
    ingress = await startIngress();
    upstream = await startNameServer((question) => {
      if (random.chance(0.3)) return addressAnswer(question, "203.0.113.7");
      const answer = random.chance(0.5) ? next() : Buffer.concat([question, next()]);
      if (answer.length >= 3) answer.writeUInt8(answer.readUInt8(2) | 0x80, 2);
      return answer;
    });
    const nodes = { attic: { lan: ["127.0.0.1"], tailnet: [] } };
    const resolver = { serve: ["lan" as const], upstreams: [{ host: "127.0.0.1", port: upstream.port, isApp: true }] };
    await ingress.client.putTable({ ...tableOf([]), nodes, resolver }, soon());
  });
  after(async () => {
    upstream.stop();
    await ingress.stop();
  });

  const pid = async (): Promise<number> => (await ingress.client.status(soon())).pid;
  const files = async (): Promise<number> => readdirSync(`/proc/${await pid()}/fd`).length;
  const rss = async (): Promise<number> => Number(/^fossora_ingress_resident_memory_bytes (\d+)/m.exec(await ingress.metrics())?.[1]);
  /** One after the other: a question that is answered says that all before it are through. */
  async function isAnswering(): Promise<void> {
    for (const ask of [askUdp, askTcp])
      assert.deepEqual(addressesIn(await ask(ingress.dnsPort, "hello.home.internal", PERSON)), ["127.0.0.1"]);
  }

  test("answers all the while over UDP, and keeps nothing of them", async () => {
    const sockets = [dgram.createSocket("udp4"), dgram.createSocket("udp4")];
    await Promise.all(
      sockets.map((socket, index) => new Promise<void>((done) => socket.bind(0, index === 0 ? PERSON.from : "127.0.0.1", done))),
    );
    const [files0, pid0] = [await files(), await pid()];
    let atThird = 0;
    for (let sent = 0; sent < PACKETS * 0.9; sent += AT_ONCE) {
      for (let each = 0; each < AT_ONCE; each += 1) sockets[each % 2]?.send(next(), ingress.dnsPort, "127.0.0.1");
      await isAnswering();
      if (atThird === 0 && sent > PACKETS / 3) atThird = await rss();
    }
    for (const socket of sockets) socket.close();
    assert.ok((await rss()) - atThird < RSS_BYTES_MAX);
    assert.equal(await pid(), pid0);
    await until("no socket of a question is left", async () => (await files()) <= files0 + 2);
  });

  test("answers all the while over TCP, whatever lengths are told", async () => {
    const files0 = await files();
    for (let sent = 0; sent < PACKETS * 0.1; sent += ON_A_CONNECTION) {
      const socket = net.connect({ port: ingress.dnsPort, host: "127.0.0.1", localAddress: PERSON.from });
      socket.on("error", () => socket.destroy());
      socket.resume();
      const packets = Array.from({ length: ON_A_CONNECTION }, () => (random.chance(0.95) ? framed(next()) : next()));
      const bytes = Buffer.concat(packets);
      const half = random.int(0, bytes.length);
      socket.write(bytes.subarray(0, half));
      if (random.chance(0.3)) socket.destroy();
      else socket.end(bytes.subarray(half));
      if (!socket.closed) await new Promise((done) => socket.once("close", done));
      if (sent % (ON_A_CONNECTION * 5) === 0) await isAnswering();
    }
    await isAnswering();
    await until("no connection is left", async () => (await files()) <= files0 + 2);
  });
});
