import assert from "node:assert/strict";
import { test } from "node:test";
import dnsPacket from "dns-packet";
import { TYPE } from "./mdns-message.ts";
import { addressRecord, answerPart, compareClaims, isAddress, legacyPart, pack, probePart } from "./mdns-records.ts";

const name = "jellyfin.local";
const ours = addressRecord(name, "192.168.1.10");

test("an address is answered with the hint that there is no other, and the other way round", () => {
  const types = (part: ReturnType<typeof answerPart>): unknown => [
    part.answers?.map(({ type }) => type),
    part.additionals?.map(({ type }) => type),
  ];
  assert.deepEqual(types(answerPart(name, "192.168.1.10", { a: true, nsec: false })), [[TYPE.A], [TYPE.NSEC]]);
  assert.deepEqual(types(answerPart(name, "192.168.1.10", { a: false, nsec: true })), [[TYPE.NSEC], [TYPE.A]]);
  assert.deepEqual(types(answerPart(name, "192.168.1.10", { a: true, nsec: true })), [[TYPE.A, TYPE.NSEC], []]);
});

test("a probe asks everybody for everything, and says what it would have", () => {
  const [packet] = pack({ id: 0, response: false }, [probePart(name, "192.168.1.10")]);
  assert(packet !== undefined);
  const read = dnsPacket.decode(packet);
  assert.deepEqual(read.questions, [{ name, type: "ANY", class: "IN" }]);
  assert.deepEqual(read.authorities, [{ name, type: "A", ttl: 120, class: "IN", flush: false, data: "192.168.1.10" }]);
});

test("a resolver that knows no mDNS gets its question back, nothing for long and no flush bit", () => {
  const part = legacyPart(
    { name: "JellyFin.local", type: TYPE.A, unicast: true },
    answerPart(name, "192.168.1.10", { a: true, nsec: false }),
  );
  assert.deepEqual(part.questions, [{ name: "JellyFin.local", type: TYPE.A, unicast: false }]);
  for (const { ttl, flush } of [...(part.answers ?? []), ...(part.additionals ?? [])]) assert.deepEqual([ttl, flush], [10, false]);
});

test("of two claims the later one wins: by type, then byte by byte, then by number; the same claim is no conflict", () => {
  const theirs = (address: string): ReturnType<typeof addressRecord> => addressRecord(name, address);
  assert.equal(compareClaims(ours, [theirs("192.168.1.10")]), 0);
  assert.ok(compareClaims(ours, [theirs("192.168.1.9")]) > 0);
  assert.ok(compareClaims(ours, [theirs("192.168.1.200")]) < 0);
  assert.ok(compareClaims(ours, [theirs("169.254.99.200")]) > 0, "RFC 6762, 8.2: 200 in the last byte does not count");
  assert.ok(compareClaims(ours, [{ ...ours, type: TYPE.AAAA }]) < 0);
  assert.ok(compareClaims(ours, [{ ...ours, type: TYPE.AAAA }, theirs("192.168.1.10")]) < 0, "who has more is later");
  assert.ok(compareClaims(ours, [theirs("192.168.1.9"), theirs("192.168.1.200")]) > 0, "the earliest of each are compared");
});

test("an address is told from another, and from another type", () => {
  assert.ok(isAddress(ours, "192.168.1.10"));
  assert.ok(!isAddress(ours, "192.168.1.1"));
  assert.ok(!isAddress({ ...ours, type: TYPE.AAAA }, "192.168.1.10"));
});

test("two hundred names go out in few messages that fit any network", () => {
  const names = Array.from({ length: 200 }, (_, index) => `${"application".repeat(index % 5)}app-${index}.local`);
  for (const parts of [
    names.map((each) => probePart(each, "192.168.1.10")),
    names.map((each) => answerPart(each, "192.168.1.10", { a: true, nsec: true })),
  ]) {
    const packets = pack({ id: 0, response: true }, parts);
    assert.ok(packets.length < 40, `${packets.length}`);
    for (const packet of packets) assert.ok(packet.length <= 1400);
    const told = packets.flatMap((packet) => [
      ...(dnsPacket.decode(packet).answers ?? []),
      ...(dnsPacket.decode(packet).authorities ?? []),
    ]);
    assert.deepEqual(new Set(told.map((each) => each.name)), new Set(names));
  }
});
