import assert from "node:assert/strict";
import { test } from "node:test";
import dnsPacket from "dns-packet";
import fc from "fast-check";
import { cutShort, fitsDatagram, passBack, passOn } from "./passed-on.ts";

const ID = 4711;
const optOf = (more: object = {}): dnsPacket.OptAnswer =>
  ({ type: "OPT", name: ".", udpPayloadSize: 4096, flags: 0, options: [], ...more }) as unknown as dnsPacket.OptAnswer; // the codec fills in the rest
const asked = (more: dnsPacket.Packet = {}): Buffer =>
  dnsPacket.encode({
    type: "query",
    id: 1,
    flags: dnsPacket.RECURSION_DESIRED,
    questions: [{ name: "Ads.Example.com", type: "A" }],
    ...more,
  });
const answered = (more: dnsPacket.Packet = {}): Buffer =>
  dnsPacket.encode({
    type: "response",
    id: ID,
    flags: dnsPacket.RECURSION_DESIRED | dnsPacket.RECURSION_AVAILABLE,
    questions: [{ name: "ads.example.com", type: "A" }],
    answers: [{ name: "ads.example.com", type: "A", ttl: 12_345, data: "203.0.113.7" }],
    ...more,
  });
const subnet = { code: "CLIENT_SUBNET", ip: "198.51.100.0", sourcePrefixLength: 24 };
const optionsIn = (packet: Buffer): readonly unknown[] =>
  (dnsPacket.decode(packet).additionals ?? []).flatMap((record) => (record.type === "OPT" ? record.options : []));

test("a question goes on with its own letters and flags under a new id, and without what the asker said of itself", () => {
  const packet = asked({
    flags: dnsPacket.RECURSION_DESIRED | dnsPacket.CHECKING_DISABLED,
    additionals: [optOf({ flags: dnsPacket.DNSSEC_OK, options: [subnet] })],
  });
  const on = dnsPacket.decode(passOn(packet, ID, undefined));
  assert.deepEqual([on.id, on.flag_rd, on.flag_cd, on.questions?.[0]?.name], [ID, true, true, "Ads.Example.com"]);
  const [opt] = on.additionals ?? [];
  assert.ok(opt?.type === "OPT" && opt.flag_do && opt.udpPayloadSize === 1232);
  assert.deepEqual(opt.options, []);
  assert.deepEqual(passOn(asked(), ID, undefined).subarray(2), asked().subarray(2));
});

test("an app is told who asks, by the whole address, whatever the asker said of itself", () => {
  for (const [client, family, ip, bits] of [
    ["192.168.1.23", 1, "192.168.1.23", 32],
    ["::ffff:192.168.1.23", 1, "192.168.1.23", 32],
    ["fd00::1:2", 2, "fd00::1:2", 128],
  ] as const) {
    const [option] = optionsIn(passOn(asked({ additionals: [optOf({ options: [subnet] })] }), ID, client)) as readonly {
      readonly code: unknown;
      readonly family: number;
      readonly ip: string;
      readonly sourcePrefixLength: number;
    }[];
    assert.deepEqual([option?.code, option?.family, option?.ip, option?.sourcePrefixLength], [8, family, ip, bits]);
  }
  assert.equal(optionsIn(passOn(asked(), ID, "192.168.1.23")).length, 1, "also for who speaks no EDNS");
});

test("an answer comes back with every time to live as it was, under the asker's id and letters", () => {
  const back = passBack(answered(), asked(), ID);
  assert(back);
  const read = dnsPacket.decode(back);
  assert.deepEqual([read.id, read.questions?.[0]?.name, read.flag_ra], [1, "Ads.Example.com", true]);
  assert.deepEqual(
    read.answers?.map((record) => "ttl" in record && [record.ttl, "data" in record && record.data]),
    [[12_345, "203.0.113.7"]],
  );
  assert.equal(read.additionals?.length, 0);
});

test("who speaks no EDNS gets none, who does gets the house's own", () => {
  const answer = answered({ additionals: [optOf({ options: [subnet] })] });
  assert.equal(dnsPacket.decode(passBack(answer, asked(), ID) ?? answer).additionals?.length, 0);
  const back = passBack(answer, asked({ additionals: [optOf()] }), ID);
  assert(back);
  assert.deepEqual(optionsIn(back), []);
  assert.equal(dnsPacket.decode(back).additionals?.length, 1);
});

test("that an answer was checked is told to who asked for it", () => {
  const answer = answered({ flags: dnsPacket.AUTHENTIC_DATA });
  const isTold = (packet: Buffer): boolean => dnsPacket.decode(passBack(answer, packet, ID) ?? packet).flag_ad;
  assert.ok(!isTold(asked()));
  assert.ok(isTold(asked({ flags: dnsPacket.AUTHENTIC_DATA })));
  assert.ok(isTold(asked({ additionals: [optOf({ flags: dnsPacket.DNSSEC_OK })] })));
});

test("an answer to something else is none", () => {
  assert.equal(passBack(answered(), asked(), ID + 1), undefined);
  assert.equal(passBack(answered({ questions: [{ name: "ads.example.org", type: "A" }] }), asked(), ID), undefined);
  assert.equal(passBack(answered({ questions: [{ name: "ads.example.com", type: "AAAA" }] }), asked(), ID), undefined);
  assert.equal(passBack(passOn(asked(), ID, undefined), asked(), ID), undefined, "its own question");
  const promising = answered();
  promising.writeUInt16BE(65_535, 6);
  assert.equal(passBack(promising, asked(), ID), undefined);
  assert.equal(passBack(Buffer.alloc(3), asked(), ID), undefined);
});

test("what is too long for a datagram is cut to its question and marked", () => {
  const long = answered({ answers: Array.from({ length: 40 }, () => ({ name: "ads.example.com", type: "A", data: "203.0.113.7" })) });
  for (const [packet, additionals] of [
    [asked(), 0],
    [asked({ additionals: [optOf()] }), 1],
  ] as const) {
    assert.ok(!fitsDatagram(long, packet));
    const cut = dnsPacket.decode(cutShort(long, packet));
    assert.deepEqual([cut.flag_tc, cut.answers?.length, cut.additionals?.length], [true, 0, additionals]);
  }
});

test("no answer of an upstream makes it throw, and none comes back malformed at its head", () => {
  const mutated = fc
    .tuple(
      fc.constantFrom(answered(), answered({ additionals: [optOf()] })),
      fc.array(fc.tuple(fc.nat(120), fc.nat(255)), { maxLength: 4 }),
    )
    .map(([packet, changes]) => {
      const copy = Buffer.from(packet);
      for (const [offset, byte] of changes) if (offset < copy.length) copy[offset] = byte;
      return copy;
    });
  fc.assert(
    fc.property(mutated, fc.boolean(), (answer, edns) => {
      const packet = asked(edns ? { additionals: [optOf()] } : {});
      const back = passBack(answer, packet, ID);
      if (back === undefined) return;
      assert.equal(back.readUInt16BE(0), 1);
      assert.deepEqual(back.subarray(12, 33), packet.subarray(12, 33));
      assert.ok(cutShort(back, packet).length < 60);
    }),
    { numRuns: 5000 },
  );
});
