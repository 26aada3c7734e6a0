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

test("thousands of pointers in a row are not followed", () => {
  const records = 700;
  const chain = Buffer.alloc(12 + records * 12);
  chain.writeUInt16BE(records, 6);
  // Each name points at the one before it.
  for (let index = 0; index < records; index += 1) {
    const at = 12 + index * 12;
    if (index > 0) chain.writeUInt16BE(0xc000 | (at - 12), at);
  }
  assert.equal(decodeMessage(chain), undefined);
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
