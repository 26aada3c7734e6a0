import assert from "node:assert/strict";
import { test } from "node:test";
import dnsPacket from "dns-packet";
import { AnswerCache } from "./answer-cache.ts";
import { decodeQuery, encodeDatagram, type Answer } from "./codec.ts";

const NAME = "app.home.internal";
const ZONE_EPOCH = {};
const OPT = { type: "OPT", name: ".", udpPayloadSize: 1232, flags: 0, options: [] } as unknown as dnsPacket.OptAnswer; // the codec fills in the rest
const packetOf = (name: string, id: number, more: dnsPacket.Packet = {}, type = "A"): Buffer =>
  dnsPacket.encode({ type: "query", id, flags: dnsPacket.RECURSION_DESIRED, questions: [{ name, type: type as "A" }], ...more });
const addresses = (name: string, count = 2): Answer => ({
  rcode: "NOERROR",
  authoritative: true,
  answers: Array.from({ length: count }, (_, index) => ({ name, type: "A", ttl: 5, data: `10.0.0.${index}` })),
  authorities: [],
});
function encoded(packet: Buffer, answer: Answer): Buffer {
  const decoded = decodeQuery(packet);
  assert(decoded.kind === "query");
  return encodeDatagram(decoded.query, answer);
}
function filled(packet = packetOf(NAME, 1), answer = addresses(NAME)): AnswerCache {
  const cache = new AnswerCache();
  cache.enter(ZONE_EPOCH);
  cache.keep(packet, 0, encoded(packet, answer));
  return cache;
}

test("what is kept is byte by byte what would be made anew, with the asker's id, RD and letters", () => {
  const cache = filled();
  for (const packet of [packetOf(NAME, 1), packetOf("ApP.hoME.Internal", 2), packetOf(NAME, 3, { flags: 0 })])
    assert.deepEqual(cache.find(packet, 0), encoded(packet, addresses(NAME)));
});

test("an answer that waits in a socket is not changed by the next one", () => {
  const cache = filled();
  const first = cache.find(packetOf(NAME, 7), 0);
  cache.find(packetOf("APP.home.internal", 8), 0);
  assert.equal(first?.readUInt16BE(0), 7);
});

test("another name, type, place, form of EDNS or DNSSEC flag is another question", () => {
  const cache = filled();
  assert.equal(cache.find(packetOf("apq.home.internal", 1), 0), undefined);
  assert.equal(cache.find(packetOf(NAME, 1, {}, "AAAA"), 0), undefined);
  assert.equal(cache.find(packetOf(NAME, 1), 1), undefined);
  assert.equal(cache.find(packetOf(NAME, 1, { additionals: [OPT] }), 0), undefined);
  const withOpt = packetOf(NAME, 1, { additionals: [OPT] });
  const cached = filled(withOpt);
  assert.deepEqual(cached.find(withOpt, 0), encoded(withOpt, addresses(NAME)));
  assert.equal(cached.find(packetOf(NAME, 1, { additionals: [{ ...OPT, flags: dnsPacket.DNSSEC_OK }] }), 0), undefined);
});

test("the letters of a type are not those of a name: type 65 is not type 97", () => {
  const https = packetOf(NAME, 1, {}, "UNKNOWN_65");
  const cache = filled(https, addresses(NAME, 0));
  assert.ok(cache.find(https, 0));
  assert.equal(cache.find(packetOf(NAME, 1, {}, "UNKNOWN_97"), 0), undefined);
});

test("nothing is kept beyond a change of the zone", () => {
  const cache = filled();
  cache.enter(ZONE_EPOCH);
  assert.ok(cache.find(packetOf(NAME, 1), 0));
  cache.enter({});
  assert.equal(cache.find(packetOf(NAME, 1), 0), undefined);
});

test("names that do not exist, failures, long answers, and letters beyond ASCII are not kept", () => {
  for (const rcode of ["NXDOMAIN", "SERVFAIL", "REFUSED"] as const)
    assert.equal(filled(packetOf(NAME, 1), { ...addresses(NAME, 0), rcode }).find(packetOf(NAME, 1), 0), undefined);
  assert.equal(filled(packetOf(NAME, 1), addresses(NAME, 40)).find(packetOf(NAME, 1), 0), undefined);
  const umlaut = packetOf("ü.home.internal", 1);
  assert.equal(filled(umlaut, addresses("ü.home.internal")).find(umlaut, 0), undefined);
});

test("what is no plain question is not looked up", () => {
  const cache = filled();
  const plain = packetOf(NAME, 1);
  const changed = (offset: number, byte: number): Buffer => {
    const copy = Buffer.from(plain);
    copy[offset] = byte;
    return copy;
  };
  for (const packet of [
    changed(2, 0x80), // a response
    changed(2, 0x10), // another opcode
    changed(5, 2), // two questions
    changed(7, 1), // an answer in it
    changed(plain.length - 1, 3), // class CHAOS
    changed(12, 0xc0), // a pointer
    Buffer.concat([plain, Buffer.alloc(1)]),
    plain.subarray(0, 20),
    Buffer.alloc(0),
  ])
    assert.equal(cache.find(packet, 0), undefined);
});

test("made-up names below a wildcard fill it to a limit", () => {
  const cache = new AnswerCache();
  cache.enter(ZONE_EPOCH);
  for (let index = 0; index < 10_000; index += 1) {
    const packet = packetOf(`n${index}.home.internal`, 1);
    cache.keep(packet, 0, encoded(packet, addresses(`n${index}.home.internal`)));
  }
  const kept = Array.from({ length: 10_000 }, (_, index) => cache.find(packetOf(`n${index}.home.internal`, 1), 0)).filter(Boolean).length;
  assert.ok(kept > 0 && kept <= 4096);
});
