// The laws of `.local` names: a name has one owner, every question to it has an answer, and no bytes upset whoever gives it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { decodeMessage, encodeMessage, TYPE, type MdnsMessage, type MdnsRecord } from "../../src/ingress/mdns-message.ts";
import { addressKey, addressRecord } from "../../src/ingress/mdns-records.ts";
import { MdnsResponder, type SegmentWish } from "../../src/ingress/mdns-responder.ts";
import { rememberedAt } from "../support/mdns-cache.ts";
import { familyOf, linkLocal, MdnsSegment } from "../support/mdns-segment.ts";

/** Ten times as many in the soak. */
const PACKETS = Number(process.env["FOSSORA_MDNS_FUZZ"] ?? 10_000);
const SEED = process.env["FOSSORA_SEED"] === undefined ? {} : { seed: Number(process.env["FOSSORA_SEED"]) };
/** No packet may keep the ingress from its people for longer; a thousandth of it is usual. */
const STALL_MS = 500;
const FRESH_EVERY = 10;
const HEAP_BYTES_MAX = 8 * 1024 * 1024;
/** The latest start, a lost tie, a second round of probes, and announcements. */
const SETTLED_MS = 15_000;
const host = "jellyfin";
const name = `${host}.local`;

const address = fc.integer({ min: 1, max: 250 }).map((last) => `192.168.1.${last}`);
const addresses = (most: number): fc.Arbitrary<string[]> => fc.uniqueArray(address, { minLength: 2, maxLength: most });

/** Of each three computers one has none, one has one and one has two. */
function ipv6Of(each: string): readonly string[] {
  const last = Number(each.split(".").at(-1));
  return [`fd00::${last}`, `2001:db8::${last}`].slice(0, last % 3);
}

function segmentOf(seed: number, latencyMs: number): MdnsSegment {
  let state = seed;
  const random = (): number => (state = (state * 16_807 + 11) % 2_147_483_647) / 2_147_483_647;
  return new MdnsSegment({ random, delayMs: () => random() * latencyMs });
}

function assertOneOwner(segment: MdnsSegment, message: string): void {
  assert.equal(segment.owners(host).length, 1, `${message}: ${segment.owners(host).join(" and ")}`);
}

test("whoever wants a name and whenever, exactly one gets it, and never two have it at a time", () => {
  fc.assert(
    fc.property(
      addresses(4),
      fc.array(fc.nat(2500), { minLength: 4, maxLength: 4 }),
      fc.nat(1e9),
      fc.nat(200),
      (all, starts, seed, latency) => {
        const segment = segmentOf(seed, latency);
        const begun = all.map((each, index) => ({ each, atMs: starts[index] ?? 0 })).toSorted((a, b) => a.atMs - b.atMs);
        const never = (): void => assert.ok(segment.owners(host).length <= 1, segment.owners(host).join(" and "));
        for (const { each, atMs } of begun) {
          segment.run(atMs, never);
          segment.wish(each, [host], { ipv6: ipv6Of(each) });
        }
        segment.run(SETTLED_MS, never);
        assertOneOwner(segment, "at rest");
      },
    ),
    { ...SEED, numRuns: 1000 },
  );
});

test("two halves of a network that both have a name agree on one owner when they meet and one of them speaks", () => {
  const reason = fc.constantFrom("a question", "another address", "a program that takes the same address back");
  fc.assert(
    fc.property(addresses(3), fc.nat(1e9), fc.nat(200), reason, ([one = "", other = "", third = ""], seed, latency, speaks) => {
      const segment = segmentOf(seed, latency);
      segment.cut(one);
      for (const each of [one, other]) segment.wish(each, [host], { ipv6: ipv6Of(each) });
      segment.run(5000);
      assert.equal(segment.owners(host).length, 2);
      segment.heal();
      if (speaks === "a question") ask(segment, {});
      else if (speaks === "another address" && third !== "") segment.move(one, third, [host]);
      else ask(segment, { response: true, questions: [], answers: [addressRecord(name, one, 0)] });
      segment.run(5000 + SETTLED_MS);
      assertOneOwner(segment, `after ${speaks}`);
    }),
    { ...SEED, numRuns: 300 },
  );
});

test("of the nodes of one house the lowest has the name, whoever was first", () => {
  fc.assert(
    fc.property(addresses(4), fc.nat(1e9), fc.nat(100), fc.nat(3000), (all, seed, latency, apart) => {
      const segment = segmentOf(seed, latency);
      all.forEach((each, rank) => {
        const others = all.map((member, index) => [member, index < rank ? "lower" : "higher"] as const);
        const members: SegmentWish["members"] = new Map(others.filter(([member]) => member !== each));
        segment.run((all.length - rank) * apart);
        segment.wish(each, [host], { members, ipv6: ipv6Of(each) });
      });
      segment.run(all.length * apart + SETTLED_MS);
      // Who has not heard of the others yet does so at the next question.
      ask(segment, {});
      segment.run(all.length * apart + 2 * SETTLED_MS);
      assert.deepEqual(segment.owners(host), [all[0]]);
    }),
    { ...SEED, numRuns: 200 },
  );
});

test("when two nodes of one house that both had a name meet, devices soon know the lower one's address alone, whatever they missed", () => {
  const meetAtMs = fc.integer({ min: 1000, max: 6000 });
  const ipv6 = fc.nat(2);
  fc.assert(
    fc.property(
      fc.tuple(addresses(2), ipv6, fc.constantFrom(4, 6)),
      fc.nat(1e9),
      fc.nat(100),
      meetAtMs,
      fc.nat(3),
      ([[lower = "", higher = ""], count, family], seed, latency, atMs, missed) => {
        const segment = segmentOf(seed, latency);
        const told = (each: string): readonly string[] =>
          [`fd00::${each.split(".")[3]}`, `2001:db8::${each.split(".")[3]}`].slice(0, count);
        segment.cut(lower);
        segment.wish(lower, [host], { members: new Map([[higher, "higher"]]), ipv6: told(lower) });
        segment.wish(higher, [host], { members: new Map([[lower, "lower"]]), ipv6: told(higher) });
        segment.run(atMs);
        segment.heal();
        segment.run(atMs + 2000);
        const heardByDevice = (): MdnsSegment["heard"] =>
          segment.heard.filter(({ from }) => familyOf({ address: from }) === (count > 0 ? family : 4));
        const met = heardByDevice().length;
        ask(segment, {}, count > 0 && family === 6 ? { from: linkLocal(asker) } : {});
        segment.run(atMs + 7000);
        assert.deepEqual(segment.owners(host), [lower]);
        const heard = heardByDevice().filter((_, index) => index !== met + missed);
        assert.deepEqual(rememberedAt(segment.nowMs, name, heard).toSorted(), [lower, ...told(lower)].map(addressKey).toSorted());
      },
    ),
    { ...SEED, numRuns: 300 },
  );
});

const asker = "192.168.1.251";

function ask(segment: MdnsSegment, message: Partial<MdnsMessage>, { port = 5353, from = asker } = {}): void {
  segment.send(encodeMessage(messageOf({ questions: [{ name, type: TYPE.A, unicast: false }], ...message })), { address: from, port });
}

function messageOf(more: Partial<MdnsMessage>): MdnsMessage {
  return { id: 0, response: false, truncated: false, questions: [], answers: [], authorities: [], additionals: [], ...more };
}

test("every question to a name is answered within two seconds, unless the asker knows", () => {
  const port = fc.constantFrom(5353, 40_000);
  const type = fc.oneof(fc.constantFrom(1, 28, 255, 47, 65, 16), fc.nat(65_535));
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          type,
          unicast: fc.boolean(),
          port,
          truncated: fc.boolean(),
          id: fc.nat(65_535),
          waitMs: fc.nat(3000),
          from: fc.constantFrom(asker, linkLocal(asker)),
        }),
        {
          minLength: 1,
          maxLength: 8,
        },
      ),
      fc.nat(1e9),
      fc.nat(2),
      (questions, seed, count) => {
        const segment = segmentOf(seed, 10);
        segment.wish("192.168.1.10", [host, "immich"], { ipv6: ["fd00::10", "2001:db8::10"].slice(0, count) });
        segment.run(5000);
        for (const { type: asked, unicast, port: from, truncated, id, waitMs, ...each } of questions) {
          const address = count > 0 ? each.from : asker;
          const [began, before] = [segment.nowMs, segment.heard.length];
          ask(segment, { id, truncated, questions: [{ name: "JellyFin.Local", type: asked, unicast }] }, { port: from, from: address });
          segment.run(began + 2000);
          const isThere = asked === TYPE.A || (asked === TYPE.AAAA && count > 0);
          const wanted = asked === TYPE.ANY ? TYPE.A : isThere ? asked : TYPE.NSEC;
          const answers = segment.heard.slice(before).filter(({ message, to, from: answerer }) => {
            if (familyOf({ address: answerer }) !== familyOf({ address })) return false;
            const reaches = to === undefined ? from === 5353 : to.port === from && message.id === id;
            return (
              message.response && reaches && message.answers.some((record) => record.name === name || record.name === "JellyFin.Local")
            );
          });
          assert.ok(
            answers.some(({ message }) => message.answers.some((record: MdnsRecord) => record.type === wanted)),
            `type ${asked} from ${from}`,
          );
          segment.run(segment.nowMs + waitMs);
        }
      },
    ),
    { ...SEED, numRuns: 300 },
  );
});

const piece = fc.oneof(
  fc.constantFrom(name, "immich.local", "a.local", "", "x".repeat(63), "_http._tcp.local"),
  fc.stringMatching(/^[a-z.]{1,40}$/).filter((text) => !/(^|\.)(\.|$)/.test(text)),
);
const aRecord = fc.record({
  name: piece,
  type: fc.oneof(fc.constantFrom(1, 28, 47, 12), fc.nat(65_535)),
  ttl: fc.constantFrom(0, 1, 59, 60, 120, 4500),
  flush: fc.boolean(),
  data: fc.oneof(
    fc.constantFrom(...["192.168.1.10", "fd00::10"].map((each) => addressRecord(name, each).data)),
    fc.uint8Array({ maxLength: 40 }),
  ),
});
const aMessage = fc.record({
  id: fc.nat(65_535),
  response: fc.boolean(),
  truncated: fc.boolean(),
  questions: fc.array(fc.record({ name: piece, type: fc.constantFrom(1, 28, 255, 12), unicast: fc.boolean() }), { maxLength: 6 }),
  answers: fc.array(aRecord, { maxLength: 4 }),
  authorities: fc.array(aRecord, { maxLength: 4 }),
  additionals: fc.array(aRecord, { maxLength: 2 }),
});
const change = fc.tuple(fc.nat(300), fc.nat(255));
const packetOf = fc.oneof(
  { weight: 1, arbitrary: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)) },
  { weight: 1, arbitrary: aMessage.map(encodeMessage) },
  {
    weight: 2,
    arbitrary: fc.tuple(aMessage.map(encodeMessage), fc.array(change, { minLength: 1, maxLength: 6 })).map(([packet, changes]) => {
      for (const [at, byte] of changes) if (at < packet.length) packet[at] = byte;
      return packet;
    }),
  },
);
const fuzz = fc.record({
  packet: packetOf,
  from: fc.constantFrom("192.168.1.10", "192.168.1.2", "192.168.1.77", "fe80::10%eth0", "fe80::77%eth0"),
  port: fc.constantFrom(5353, 5353, 40_000),
  passedMs: fc.nat(1500),
});

test(`${PACKETS} packets of any bytes crash nothing, stall nothing and leave nothing behind`, () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void; // V8's own function
  const responder = new MdnsResponder(() => 0.5);
  const wish = {
    address: "192.168.1.10",
    ipv6: ["fd00::10"],
    hosts: [host, "immich"],
    members: new Map([["192.168.1.2", "higher"]] as const),
    elsewhere: ["10.0.0.10"],
  };
  let nowMs = 0;
  let heapBytes = 0;
  let count = 0;
  responder.update(wish, nowMs);
  // A name that was given up is tried again minutes later: most packets shall meet one that is owned.
  const takeAgain = (): void => {
    responder.update({ ...wish, hosts: [] }, nowMs);
    responder.update(wish, nowMs);
    for (let step = 0; step < 20; step += 1) responder.tick((nowMs += 250));
  };
  const check = ({ packet, from, port, passedMs }: { packet: Buffer; from: string; port: number; passedMs: number }): void => {
    nowMs += passedMs;
    const begun = performance.now();
    const sent = [...responder.tick(nowMs), ...responder.receive(packet, { address: from, port }, nowMs)];
    assert.ok(performance.now() - begun < STALL_MS, packet.toString("hex"));
    for (const { bytes, to } of sent) {
      assert.ok(decodeMessage(bytes) !== undefined && bytes.length <= 1400, packet.toString("hex"));
      assert.ok(to === undefined || (to.address === from && to.port === port));
    }
    assert.ok(responder.names.length === 2 && responder.dueAtMs > nowMs, packet.toString("hex"));
    count += 1;
    if (count % FRESH_EVERY === 0) takeAgain();
    if (count !== Math.ceil(PACKETS / 10)) return;
    collect();
    heapBytes = process.memoryUsage().heapUsed;
  };
  fc.assert(fc.property(fuzz, check), { ...SEED, numRuns: PACKETS, endOnFailure: true });
  collect();
  assert.ok(process.memoryUsage().heapUsed - heapBytes < HEAP_BYTES_MAX, `${process.memoryUsage().heapUsed - heapBytes} bytes more`);
  // Whatever was said, in the end the name has its owner again.
  for (let step = 0; step < 1000; step += 1) {
    nowMs += 1000;
    responder.tick(nowMs);
  }
  assert.deepEqual(
    responder.names.map(({ state }) => state),
    ["owned", "owned"],
  );
});
