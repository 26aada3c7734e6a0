import assert from "node:assert/strict";
import { test } from "node:test";
import dnsPacket from "dns-packet";
import { TYPE } from "./mdns-message.ts";
import { addressRecord, addressRecords, answerPart, compareClaims, isAddress, legacyPart, pack, probePart } from "./mdns-records.ts";

const name = "jellyfin.local";
const ours = addressRecord(name, "192.168.1.10");

test("an address is answered with the hint that there is no other, and the other way round", () => {
  const types = (part: ReturnType<typeof answerPart>): unknown => [
    part.answers?.map(({ type }) => type),
    part.additionals?.map(({ type }) => type),
  ];
  assert.deepEqual(types(answerPart(name, ["192.168.1.10"], { a: true, aaaa: false, nsec: false })), [[TYPE.A], [TYPE.NSEC]]);
  assert.deepEqual(types(answerPart(name, ["192.168.1.10"], { a: false, aaaa: false, nsec: true })), [[TYPE.NSEC], [TYPE.A]]);
  assert.deepEqual(types(answerPart(name, ["192.168.1.10"], { a: true, aaaa: false, nsec: true })), [[TYPE.A, TYPE.NSEC], []]);
});

test("a probe asks everybody for everything, and says what it would have", () => {
  const [packet] = pack({ id: 0, response: false }, [probePart(name, ["192.168.1.10", "fd00::10"])]);
  assert(packet !== undefined);
  const read = dnsPacket.decode(packet);
  assert.deepEqual(read.questions, [{ name, type: "ANY", class: "IN" }]);
  const claim = { name, ttl: 120, class: "IN", flush: false };
  assert.deepEqual(read.authorities, [
    { ...claim, type: "A", data: "192.168.1.10" },
    { ...claim, type: "AAAA", data: "fd00::10" },
  ]);
});

test("a resolver that knows no mDNS gets its question back, nothing for long and no flush bit", () => {
  const part = legacyPart(
    { name: "JellyFin.local", type: TYPE.A, unicast: true },
    answerPart(name, ["192.168.1.10"], { a: true, aaaa: false, nsec: false }),
  );
  assert.deepEqual(part.questions, [{ name: "JellyFin.local", type: TYPE.A, unicast: false }]);
  for (const { ttl, flush } of [...(part.answers ?? []), ...(part.additionals ?? [])]) assert.deepEqual([ttl, flush], [10, false]);
});

test("of two claims the later one wins: by type, then byte by byte, then by number; the same claim is no conflict", () => {
  const theirs = (address: string): ReturnType<typeof addressRecord> => addressRecord(name, address);
  assert.equal(compareClaims([ours], [theirs("192.168.1.10")]), 0);
  assert.ok(compareClaims([ours], [theirs("192.168.1.9")]) > 0);
  assert.ok(compareClaims([ours], [theirs("192.168.1.200")]) < 0);
  assert.ok(compareClaims([ours], [theirs("169.254.99.200")]) > 0, "RFC 6762, 8.2: 200 in the last byte does not count");
  assert.ok(compareClaims([ours], [{ ...ours, type: TYPE.AAAA }]) < 0);
  assert.ok(compareClaims([ours], [{ ...ours, type: TYPE.AAAA }, theirs("192.168.1.10")]) < 0, "who has more is later");
  assert.ok(compareClaims([ours], [theirs("192.168.1.9"), theirs("192.168.1.200")]) > 0, "the earliest of each are compared");
});

test("with more addresses than one the first difference decides, then who has more", () => {
  const claim = (...addresses: readonly string[]): readonly ReturnType<typeof addressRecord>[] => addressRecords(name, addresses);
  const both = claim("fd00::10", "192.168.1.10");
  assert.equal(compareClaims(both, claim("192.168.1.10", "fd00::10")), 0);
  assert.ok(compareClaims(both, claim("192.168.1.10")) > 0);
  assert.ok(compareClaims(claim("192.168.1.10"), both) < 0);
  assert.ok(compareClaims(both, claim("192.168.1.11")) < 0);
  assert.ok(compareClaims(both, claim("192.168.1.10", "fd00::9")) > 0);
});

test("what there is of both families is told in the answer to any question, and what there is not in none that need not know", () => {
  const addresses = ["192.168.1.10", "fd00::10"];
  const read = (wanted: Parameters<typeof answerPart>[2]): ReturnType<typeof dnsPacket.decode> => {
    const [packet] = pack({ id: 0, response: true }, [answerPart(name, addresses, wanted)]);
    assert(packet !== undefined);
    return dnsPacket.decode(packet);
  };
  const types = (records: readonly { readonly type: string }[] | undefined): unknown => records?.map(({ type }) => type);
  const aaaa = read({ a: false, aaaa: true, nsec: false });
  assert.deepEqual([types(aaaa.answers), types(aaaa.additionals)], [["AAAA"], ["A"]]);
  const neither = read({ a: false, aaaa: false, nsec: true });
  assert.deepEqual([types(neither.answers), types(neither.additionals)], [["NSEC"], ["A", "AAAA"]]);
  const [nsec] = neither.answers ?? [];
  assert.deepEqual(nsec && Reflect.get(nsec, "data"), { nextDomain: name, rrtypes: ["A", "AAAA"] });
});

test("an address is told from another, and from another type", () => {
  assert.ok(isAddress(ours, "192.168.1.10"));
  assert.ok(!isAddress(ours, "192.168.1.1"));
  assert.ok(!isAddress({ ...ours, type: TYPE.AAAA }, "192.168.1.10"));
});

test("two hundred names go out in few messages that fit any network", () => {
  const addresses = ["192.168.1.10", "fd00::10"];
  const names = Array.from({ length: 200 }, (_, index) => `${"application".repeat(index % 5)}app-${index}.local`);
  for (const parts of [
    names.map((each) => probePart(each, addresses)),
    names.map((each) => answerPart(each, addresses, { a: true, aaaa: true, nsec: true })),
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
