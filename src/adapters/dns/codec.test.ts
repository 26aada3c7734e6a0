import assert from "node:assert/strict";
import { test } from "node:test";
import dnsPacket from "dns-packet";
import fc from "fast-check";
import { decodeQuery, encodeAnswer, encodeDatagram, joined, refusal, truncated, type Answer, type Query } from "./codec.ts";

const RESPONSE = 0x8000;
const EDNS = { type: "OPT", name: ".", udpPayloadSize: 4096, flags: 0, options: [] } as unknown as dnsPacket.OptAnswer; // the codec fills in the rest
const packetOf = (name: string, type: string, more: dnsPacket.Packet = {}): Buffer =>
  dnsPacket.encode({ type: "query", id: 77, flags: dnsPacket.RECURSION_DESIRED, questions: [{ name, type: type as "A" }], ...more });
const rcodeOf = (reply: Buffer): number => reply.readUInt16BE(2) & 15;
const errorOf = (packet: Buffer): number => {
  const decoded = decodeQuery(packet);
  assert.equal(decoded.kind, "error");
  return decoded.kind === "error" ? rcodeOf(decoded.reply) : -1;
};
function queryOf(packet: Buffer): Query {
  const decoded = decodeQuery(packet);
  assert(decoded.kind === "query");
  return decoded.query;
}
const addresses = (count: number, name: string): Answer => ({
  rcode: "NOERROR",
  authoritative: true,
  answers: Array.from({ length: count }, (_, index) => ({ name, type: "A", ttl: 5, data: `10.0.0.${index}` })),
  authorities: [],
});

test("a question is read with its type, also one that nobody knows", () => {
  assert.deepEqual(queryOf(packetOf("app.home.internal", "A")), {
    id: 77,
    recursionDesired: true,
    question: { name: "app.home.internal", type: "A" },
  });
  assert.equal(queryOf(packetOf("app.home.internal", "UNKNOWN_65")).question.type, "UNKNOWN_65");
  assert.equal(queryOf(packetOf("a", "A", { additionals: [EDNS] })).udpSize, 4096);
});

test("an answer repeats the name in the asker's own letters, and only that one", () => {
  const query = queryOf(packetOf("ApP.HOME.internal", "A"));
  const answer: Answer = {
    rcode: "NOERROR",
    authoritative: true,
    answers: [
      { name: "app.home.internal", type: "CNAME", ttl: 5, data: "x.home.internal" },
      { name: "x.home.internal", type: "A", ttl: 5, data: "10.0.0.1" },
    ],
    authorities: [],
  };
  const reply = dnsPacket.decode(encodeAnswer(query, answer));
  assert.equal(reply.questions?.[0]?.name, "ApP.HOME.internal");
  assert.deepEqual(
    reply.answers?.map(({ name }) => name),
    ["ApP.HOME.internal", "x.home.internal"],
  );
  assert.ok(reply.flag_aa && reply.flag_rd && !reply.flag_ra && !reply.flag_tc);
  assert.equal(reply.additionals?.length, 0, "who does not speak EDNS is not spoken to in it");
});

test("what does not fit in a datagram is left out and marked", () => {
  const name = "app.home.internal";
  const plain = queryOf(packetOf(name, "A"));
  const edns = queryOf(packetOf(name, "A", { additionals: [EDNS] }));
  assert.ok(encodeDatagram(plain, addresses(4, name)).length <= 512);
  const cut = dnsPacket.decode(encodeDatagram(plain, addresses(30, name)));
  assert.ok(cut.flag_tc && cut.answers?.length === 0);
  assert.ok(!dnsPacket.decode(encodeDatagram(edns, addresses(30, name))).flag_tc);
  assert.ok(dnsPacket.decode(encodeDatagram(edns, addresses(60, name))).flag_tc, "4096 were asked for, 1232 is the most");
  assert.ok(!dnsPacket.decode(encodeAnswer(plain, addresses(60, name))).flag_tc, "TCP has room");
  assert.ok(dnsPacket.decode(truncated(plain)).flag_tc);
});

test("an answer that even TCP has no room for is none", () => {
  const SERVFAIL = 2;
  const query = queryOf(packetOf("app.home.internal", "TXT"));
  const texts = (count: number): Answer => {
    const text = { name: "app.home.internal", type: "TXT" as const, ttl: 5, data: Array.from({ length: 4 }, () => "x".repeat(255)) };
    return { ...addresses(0, ""), answers: Array.from({ length: count }, () => text) };
  };
  assert.equal(dnsPacket.decode(encodeAnswer(query, texts(60))).answers?.length, 60);
  for (const encode of [encodeAnswer, encodeDatagram]) {
    const reply = encode(query, texts(64));
    assert.equal(rcodeOf(reply), SERVFAIL);
    assert.deepEqual(dnsPacket.decode(reply).answers, []);
  }
});

test("what an alias leads to may be longer as it is written here than as it came", () => {
  const query = queryOf(packetOf("app.home.internal", "A"));
  const name = Array.from({ length: 4 }, () => "x".repeat(60)).join(".");
  const rest = packetOf(name, "A");
  const pointed = Buffer.concat([Buffer.from([0xc0, 12]), Buffer.from([0, 1, 0, 1, 0, 0, 0, 5, 0, 4]), Buffer.from([10, 0, 0, 1])]);
  rest.writeUInt16BE(1000, 6);
  const reply = joined(query, addresses(1, "app.home.internal"), Buffer.concat([rest, ...Array.from({ length: 1000 }, () => pointed)]));
  assert.equal(rcodeOf(reply), 2);
  assert.ok(reply.length <= 65_535);
});

test("what is not one plain question is refused in a word", () => {
  const [FORMERR, NOTIMP, REFUSED] = [1, 4, 5];
  assert.equal(errorOf(dnsPacket.encode({ type: "query", id: 1, questions: [] })), FORMERR);
  assert.equal(
    errorOf(
      packetOf("a", "A", {
        questions: [
          { name: "a", type: "A" },
          { name: "b", type: "A" },
        ],
      }),
    ),
    FORMERR,
  );
  assert.equal(errorOf(packetOf("a", "A", { answers: [{ name: "a", type: "A", data: "1.1.1.1" }] })), FORMERR);
  assert.equal(errorOf(packetOf("a", "A", { additionals: [EDNS, EDNS] })), FORMERR);
  assert.equal(errorOf(packetOf("a", "A", { flags: 2 << 11 })), NOTIMP);
  assert.equal(errorOf(packetOf("a", "A", { questions: [{ name: "a", type: "A", class: "CH" }] })), REFUSED);
  assert.equal(rcodeOf(refusal(queryOf(packetOf("a", "A")), "REFUSED")), REFUSED);
});

test("an EDNS version that is not ours is answered with BADVERS", () => {
  const decoded = decodeQuery(packetOf("a", "A", { additionals: [{ ...EDNS, ednsVersion: 1 }] }));
  assert(decoded.kind === "error");
  const [option] = dnsPacket.decode(decoded.reply).additionals ?? [];
  assert.ok(option?.type === "OPT" && option.extendedRcode === 1);
});

test("a name that could not be repeated byte by byte is refused", () => {
  for (const label of [Buffer.from("a.b"), Buffer.from([0xff, 0xfe])]) {
    const packet = Buffer.concat([packetOf("", "A").subarray(0, 12), Buffer.from([label.length]), label, Buffer.from([0, 0, 1, 0, 1])]);
    assert.equal(errorOf(packet), 1);
  }
});

test("answers and scraps are not answered", () => {
  const answer = packetOf("a", "A");
  answer.writeUInt16BE(RESPONSE, 2);
  assert.equal(decodeQuery(answer).kind, "ignore");
  assert.equal(decodeQuery(Buffer.alloc(11)).kind, "ignore");
});

test("a small packet that promises much costs little", () => {
  const packet = Buffer.alloc(47);
  packet.writeUInt16BE(1, 4);
  packet.writeUInt16BE(65_535, 10);
  const before = process.cpuUsage();
  for (let round = 0; round < 100; round += 1) assert.equal(errorOf(packet), 1);
  assert.ok(process.cpuUsage(before).user < 5_000_000, "a hundred of them took 15 s without the guard");
});

test("any bytes are read without a throw, and whatever is answered is well-formed", () => {
  const valid = fc.constantFrom(packetOf("app.home.internal", "A"), packetOf("x", "ANY", { additionals: [EDNS] }));
  const mutated = fc.tuple(valid, fc.array(fc.tuple(fc.nat(60), fc.nat(255)), { maxLength: 6 })).map(([packet, changes]) => {
    const copy = Buffer.from(packet);
    for (const [offset, byte] of changes) if (offset < copy.length) copy[offset] = byte;
    return copy;
  });
  fc.assert(
    fc.property(
      fc.oneof(
        fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
        mutated,
      ),
      (packet) => {
        const decoded = decodeQuery(packet);
        if (decoded.kind === "ignore") return;
        const reply = decoded.kind === "error" ? decoded.reply : encodeDatagram(decoded.query, addresses(4, "app.home.internal"));
        assert.ok(dnsPacket.decode(reply).flag_qr && reply.readUInt16BE(0) === packet.readUInt16BE(0));
      },
    ),
    { numRuns: 5000 },
  );
});
