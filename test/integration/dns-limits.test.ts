// What a name server gives away at most: nothing to strangers but a word, and that seldom, and long answers not without end to anybody.
import assert from "node:assert/strict";
import dgram from "node:dgram";
import net from "node:net";
import { after, before, describe, test } from "node:test";
import dnsPacket from "dns-packet";
import { Forwarder } from "../../src/adapters/dns/forward.ts";
import type { DnsOptions } from "../../src/adapters/dns/reply.ts";
import { dnsListener } from "../../src/adapters/dns/server.ts";
import type { RecordRow } from "../../src/api/dns-reply.ts";
import type { Listening } from "../../src/ports.ts";
import { askTcp, askUdp, framed, question } from "../support/name-server.ts";
import { silentLog } from "../support/real.ts";
import { until } from "../support/until.ts";
import { noWays } from "../support/no-ways.ts";

const STRANGER = "127.0.0.66";
const PERSON = { from: "127.0.0.50" };
const REFUSED = 5;
const EDNS = { type: "OPT", name: ".", udpPayloadSize: 4096, flags: 0, options: [] } as unknown as dnsPacket.OptAnswer; // the codec fills in the rest
const LONG = { type: "TXT" as const, ttl: 5, data: ["x".repeat(255), "x".repeat(255), "x".repeat(255)] };
const TOO_LONG = "too.long.home.internal";
const rowsOf = (name: string): readonly RecordRow[] => Array.from({ length: name === TOO_LONG ? 90 : 1 }, () => ({ ...LONG, name }));

describe("a name server's limits", () => {
  let listening: Listening;
  let counted: string[] = [];
  before(async () => {
    const options: DnsOptions = {
      reply: ({ name }, { client }) =>
        client === STRANGER
          ? { kind: "stranger" }
          : {
              kind: "answer",
              recursion: false,
              answer: { rcode: "NOERROR", authoritative: true, answers: rowsOf(name), authorities: [] },
            },
      placeOf: ({ client }) => (client === STRANGER ? undefined : 0),
      epoch: () => listening,
      counted: (what) => counted.push(what),
      forwarder: new Forwarder(noWays),
      log: silentLog,
    };
    listening = await dnsListener(options)("127.0.0.1", { port: 0 });
  });
  after(() => listening.drain());

  /** All replies to so many packets, once a person's question behind them was answered. */
  async function burst(packets: readonly Buffer[], from: string): Promise<readonly Buffer[]> {
    const socket = dgram.createSocket("udp4");
    await new Promise<void>((done) => socket.bind(0, from, done));
    const replies: Buffer[] = [];
    socket.on("message", (reply) => replies.push(reply));
    for (const [index, packet] of packets.entries()) {
      socket.send(packet, listening.port, "127.0.0.1");
      if (index % 50 === 49) await askUdp(listening.port, "all.before.this", PERSON);
    }
    await askUdp(listening.port, "all.before.this", PERSON);
    await new Promise((done) => setImmediate(done));
    socket.close();
    return replies;
  }

  test("a stranger is refused twenty times a second and otherwise not answered at all, rubbish included", async () => {
    counted = [];
    const rubbish = question("x.example.com");
    rubbish.writeUInt16BE(9, 4);
    const began = Math.floor(Date.now() / 1000);
    const replies = await burst(
      Array.from({ length: 400 }, (_, index) => (index % 4 === 0 ? rubbish : question("x.example.com", { additionals: [EDNS] }))),
      STRANGER,
    );
    const seconds = Math.floor(Date.now() / 1000) - began + 1;
    assert.ok(replies.length > 0 && replies.length <= 20 * seconds, `${replies.length} in ${seconds} s`);
    for (const reply of replies) {
      assert.ok(reply.length <= question("x.example.com", { additionals: [EDNS] }).length, "nothing grows on its way");
      assert.ok([REFUSED, 1].includes(reply.readUInt8(3) & 15));
    }
    assert.ok(counted.includes("stranger"));
  });

  test("a stranger's connection ends with the first question too many", async () => {
    const socket = net.connect({ port: listening.port, host: "127.0.0.1", localAddress: STRANGER });
    socket.on("error", () => socket.destroy());
    let received = 0;
    socket.on("data", (chunk: Buffer) => (received += chunk.length));
    socket.write(Buffer.concat(Array.from({ length: 200 }, () => framed(question("x.example.com")))));
    await new Promise((done) => socket.once("close", done));
    assert.ok(received <= 60 * framed(question("x.example.com")).length);
  });

  test("one asker has so many connections and no more, and leaves room for others", async () => {
    const connect = (from: string): net.Socket => net.connect({ port: listening.port, host: "127.0.0.1", localAddress: from });
    const sockets = Array.from({ length: 40 }, () => connect("127.0.0.52"));
    let closed = 0;
    for (const socket of sockets) socket.on("error", () => undefined).on("close", () => (closed += 1));
    await until("those too many are closed", () => closed === 8);
    assert.equal((await askTcp(listening.port, "short.home.internal", PERSON)).rcode, "NOERROR");
    for (const socket of sockets) socket.destroy();
    await until(
      "there is room again",
      async () => (await askTcp(listening.port, "x.home.internal", { from: "127.0.0.52" })).rcode === "NOERROR",
    );
  });

  test("long answers are a thousand a second to one asker, then it has to come by TCP", async () => {
    const began = Math.floor(Date.now() / 1000);
    const packets = Array.from({ length: 3_000 }, (_, id) => question("long.home.internal", { additionals: [EDNS] }, id));
    const replies = await burst(packets, "127.0.0.51");
    const seconds = Math.floor(Date.now() / 1000) - began + 1;
    const long = replies.filter(({ length }) => length > 512);
    assert.ok(long.length > 0 && long.length <= 1_000 * seconds);
    for (const reply of replies.filter(({ length }) => length <= 512)) assert.ok(dnsPacket.decode(reply).flag_tc);
  });

  test("a name that holds more than an answer can is a failure to who asks for it, and to nobody else", async () => {
    for (const ask of [askTcp, askUdp]) {
      assert.equal((await ask(listening.port, TOO_LONG, PERSON)).rcode, "SERVFAIL");
      assert.equal((await ask(listening.port, "short.home.internal", PERSON)).rcode, "NOERROR");
    }
  });
});
