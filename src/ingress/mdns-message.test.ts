import assert from "node:assert/strict";
import { test } from "node:test";
import dnsPacket from "dns-packet";
import fc from "fast-check";
import { decodeMessage, encodeMessage, MESSAGE_BYTES_MAX, nameBytes, TYPE, type MdnsMessage } from "./mdns-message.ts";

const EMPTY: MdnsMessage = { id: 0, response: false, truncated: false, questions: [], answers: [], authorities: [], additionals: [] };
const record = { name: "jellyfin.local", type: TYPE.A, ttl: 120, flush: true, data: Uint8Array.of(192, 168, 1, 10) };

test("what is written is read again, and means the same to dns-packet", () => {
  const message: MdnsMessage = {
    ...EMPTY,
    id: 7,
    questions: [{ name: "jellyfin.local", type: TYPE.ANY, unicast: false }],
    answers: [record, { ...record, name: "immich.local", ttl: 0, flush: false }],
    authorities: [record],
    additionals: [{ ...record, type: TYPE.NSEC, data: Uint8Array.from([...nameBytes("jellyfin.local"), 0, 1, 64]) }],
  };
  const packet = encodeMessage(message);
  const read = decodeMessage(packet);
  assert(read !== undefined);
  assert.deepEqual(
    { ...read, answers: [], authorities: [], additionals: [] },
    { ...message, answers: [], authorities: [], additionals: [] },
  );
  assert.deepEqual(
    [...read.answers, ...read.authorities, ...read.additionals].map((each) => ({ ...each, data: Uint8Array.from(each.data) })),
    [...message.answers, ...message.authorities, ...message.additionals],
  );
  const theirs = dnsPacket.decode(packet);
  assert.deepEqual(theirs.questions, [{ name: "jellyfin.local", type: "ANY", class: "IN" }]);
  assert.deepEqual(theirs.answers, [
    { name: "jellyfin.local", type: "A", ttl: 120, class: "IN", flush: true, data: "192.168.1.10" },
    { name: "immich.local", type: "A", ttl: 0, class: "IN", flush: false, data: "192.168.1.10" },
  ]);
  const [nsec] = theirs.additionals ?? [];
  assert.deepEqual(nsec?.type === "NSEC" && nsec.data, { nextDomain: "jellyfin.local", rrtypes: ["A"] });
});

test("an answer is authoritative, and a name that repeats is written once", () => {
  const packet = encodeMessage({ ...EMPTY, response: true, answers: [record, record, { ...record, name: "immich.local" }] });
  assert.ok(dnsPacket.decode(packet).flag_qr && dnsPacket.decode(packet).flag_aa);
  assert.equal(packet.toString("latin1").split("local").length, 2);
});

test("what others write is read: compressed, of other types, of other classes", () => {
  const packet = dnsPacket.encode({
    type: "query",
    questions: [{ name: "Jellyfin.local", type: "UNKNOWN_65" as "A" }],
    answers: [
      { name: "_http._tcp.local", type: "SRV", ttl: 120, data: { port: 80, target: "nas.local" } },
      { name: "jellyfin.local", type: "A", class: "CH", ttl: 120, data: "192.168.1.10" },
      { name: "jellyfin.local", type: "A", ttl: 120, data: "192.168.1.10" },
    ],
  });
  packet.writeUInt16BE(0x8001, 12 + nameBytes("Jellyfin.local").length + 2); // QU
  const read = decodeMessage(packet);
  assert.deepEqual(read?.questions, [{ name: "Jellyfin.local", type: 65, unicast: true }]);
  assert.deepEqual(
    read?.answers.map(({ name, type }) => [name, type]),
    [
      ["_http._tcp.local", 33],
      ["jellyfin.local", 1],
    ],
  );
});

test("a dot inside a label makes no other name of it", () => {
  const label = Buffer.from("jellyfin.local");
  const packet = Buffer.concat([encodeMessage(EMPTY), Buffer.from([label.length]), label, Buffer.from([0, 0, 1, 0, 1])]);
  packet.writeUInt16BE(1, 4);
  assert.notEqual(decodeMessage(packet)?.questions[0]?.name, "jellyfin.local");
});

test("what is no message of mDNS is none: short, long, of another operation, promising too much, pointing forwards or in circles", () => {
  const plain = encodeMessage({ ...EMPTY, questions: [{ name: "a.local", type: 1, unicast: false }] });
  const changed = (change: (packet: Buffer) => void): Buffer => {
    const packet = Buffer.from(plain);
    change(packet);
    return packet;
  };
  assert.ok(decodeMessage(plain));
  const broken = [
    plain.subarray(0, 11),
    plain.subarray(0, plain.length - 1),
    Buffer.concat([plain, Buffer.alloc(MESSAGE_BYTES_MAX)]),
    changed((packet) => packet.writeUInt16BE(4 << 11, 2)),
    changed((packet) => packet.writeUInt16BE(3, 2)),
    changed((packet) => packet.writeUInt16BE(65_535, 10)),
    changed((packet) => packet.writeUInt16BE(0xc00c, 12)),
    changed((packet) => packet.writeUInt16BE(0xc010, 12)),
    changed((packet) => packet.writeUInt8(200, 12)),
  ];
  for (const packet of broken) assert.equal(decodeMessage(packet), undefined, packet.toString("hex"));
});

/** One record whose data is a chain of pointers, and one whose name begins at its end. */
function chain(pointers: number): Buffer {
  const data = Buffer.alloc(1 + 2 * pointers);
  const dataAt = 12 + 11;
  for (let index = 0; index < pointers; index += 1) {
    const before = index === 0 ? dataAt : dataAt + 1 + 2 * (index - 1);
    data.writeUInt16BE(0xc000 | before, 1 + 2 * index);
  }
  const packet = encodeMessage({ ...EMPTY, answers: [{ ...record, name: "", data }] });
  const last = Buffer.alloc(12);
  last.writeUInt16BE(0xc000 | (dataAt + 1 + 2 * (pointers - 1)), 0);
  const both = Buffer.concat([packet, last]);
  both.writeUInt16BE(2, 6);
  return both;
}

test("a few pointers in a row are followed, many are not", () => {
  assert.equal(decodeMessage(chain(15))?.answers.length, 1, "the other one is of no class that counts");
  assert.equal(decodeMessage(chain(17)), undefined);
});

test("the largest message of nothing but pointers to a long name costs little", () => {
  const long = Buffer.from("\x01a".repeat(120), "latin1");
  const head = Buffer.concat([encodeMessage(EMPTY), long, Buffer.from([0, 0, 1, 0, 1])]);
  const pointers = Array.from({ length: 1455 }, () => Buffer.from([0xc0, 12, 0, 1, 0, 1]));
  const packet = Buffer.concat([head, ...pointers]);
  packet.writeUInt16BE(1 + pointers.length, 4);
  const before = process.cpuUsage();
  for (let round = 0; round < 100; round += 1) assert.equal(decodeMessage(packet)?.questions.length, 1456);
  assert.ok(process.cpuUsage(before).user < 500_000, "50 ms are usual; read anew each time it took 1.4 s");
});

test("whatever dns-packet reads as names is read alike", () => {
  const label = fc.stringMatching(/^[a-zA-Z0-9-]{1,20}$/);
  const name = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => labels.join("."));
  fc.assert(
    fc.property(fc.array(name, { maxLength: 8 }), (names) => {
      const message = { ...EMPTY, questions: names.map((each) => ({ name: each, type: TYPE.A, unicast: false })) };
      const packet = encodeMessage(message);
      assert.deepEqual(decodeMessage(packet)?.questions, message.questions);
      assert.deepEqual(
        dnsPacket.decode(packet).questions?.map((question) => question.name),
        names,
      );
    }),
  );
});
