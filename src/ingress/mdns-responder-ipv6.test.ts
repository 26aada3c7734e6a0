// A name with addresses of both families: one claim, spoken and heard by both.
import assert from "node:assert/strict";
import { test } from "node:test";
import { linkLocal, MdnsSegment } from "../../test/support/mdns-segment.ts";
import { encodeMessage, TYPE, type MdnsMessage, type MdnsRecord } from "./mdns-message.ts";
import { addressRecord } from "./mdns-records.ts";

const [own, other] = ["192.168.1.10", "192.168.1.99"];
const name = "jellyfin.local";
const settledMs = 10_000;
const EMPTY: MdnsMessage = { id: 0, response: false, truncated: false, questions: [], answers: [], authorities: [], additionals: [] };
const [ipv6, provided] = ["fd00::10", "2001:db8::10"];

/** Has announced jellyfin.local with two addresses by IPv6 ten seconds ago, and nothing since was heard. */
function settled(): MdnsSegment {
  const segment = new MdnsSegment();
  segment.wish(own, ["jellyfin"], { ipv6: [ipv6, provided] });
  segment.run(settledMs);
  segment.heard.length = 0;
  return segment;
}

function ask(segment: MdnsSegment, type: number, { from = other, known = [] as readonly string[] } = {}): void {
  const answers = known.map((address) => addressRecord(name, address));
  segment.send(encodeMessage({ ...EMPTY, questions: [{ name, type, unicast: false }], answers }), { address: from, port: 5353 });
}

function tell(segment: MdnsSegment, ...addresses: readonly string[]): void {
  const answers = addresses.map((address) => addressRecord(name, address));
  segment.send(encodeMessage({ ...EMPTY, response: true, answers }), { address: other, port: 5353 });
}

const told = ({ heard }: MdnsSegment): MdnsSegment["heard"] => heard.filter(({ from, message }) => from === own && message.response);
const types = (records: readonly MdnsRecord[]): readonly number[] => records.map(({ type }) => type);
const said = ({ heard }: MdnsSegment, from: string): readonly unknown[] =>
  heard
    .filter((each) => each.from === from && each.message.response)
    .map(({ message: { answers, additionals } }) => [types(answers), types(additionals)]);

test("all addresses of a name are probed for and announced together, by both families", () => {
  const segment = new MdnsSegment();
  segment.wish(own, ["jellyfin"], { ipv6: [ipv6, provided] });
  segment.run(5000);
  const all = [TYPE.A, TYPE.AAAA, TYPE.AAAA];
  for (const from of [own, linkLocal(own)]) {
    const heard = segment.heard.filter((each) => each.from === from);
    assert.deepEqual(
      heard.map(({ atMs, message: { authorities, answers } }) => [atMs, types(authorities), types(answers)]),
      [...[0, 250, 500].map((atMs) => [atMs, all, []]), ...[750, 1750].map((atMs) => [atMs, [], all])],
    );
    assert.ok(heard.every(({ message }) => message.answers.every(({ flush }) => flush)));
  }
});

test("who asks by one family is answered there: with what was asked for, the other addresses, and what there is not", () => {
  for (const [type, answers, additionals] of [
    [TYPE.A, [TYPE.A], [TYPE.AAAA, TYPE.AAAA]],
    [TYPE.AAAA, [TYPE.AAAA, TYPE.AAAA], [TYPE.A]],
    [TYPE.ANY, [TYPE.A, TYPE.AAAA, TYPE.AAAA], []],
    [65, [TYPE.NSEC], [TYPE.A, TYPE.AAAA, TYPE.AAAA]],
  ] as const)
    for (const [asker, answerer] of [
      [other, own],
      [linkLocal(other), linkLocal(own)],
    ] as const) {
      const segment = settled();
      ask(segment, type, { from: asker });
      segment.run(settledMs + 500);
      assert.deepEqual(
        [said(segment, own), said(segment, linkLocal(own))].flat(),
        said(segment, answerer),
        "nobody asked by the other family",
      );
      assert.deepEqual(said(segment, answerer), [[answers, additionals]]);
    }
});

test("who knows one of two addresses is told both, who knows both none", () => {
  for (const [known, answers] of [
    [[ipv6], 1],
    [[ipv6, provided], 0],
  ] as const) {
    const segment = settled();
    ask(segment, TYPE.AAAA, { known });
    segment.run(settledMs + 500);
    assert.equal(told(segment).length, answers);
  }
});

test("the last address by IPv6 is said goodbye to when it goes, one of two is not", () => {
  const segment = settled();
  segment.wish(own, ["jellyfin"], { ipv6: [ipv6] });
  segment.run(settledMs + 5000);
  assert.ok(told(segment).every(({ message }) => message.answers.every(({ ttl }) => ttl > 0)));
  segment.heard.length = 0;
  segment.wish(own, ["jellyfin"], { ipv6: [] });
  segment.run(settledMs + 10_000);
  const [first] = told(segment);
  assert.deepEqual(
    first?.message.answers.map(({ type, ttl }) => [type, ttl]),
    [
      [TYPE.AAAA, 0],
      [TYPE.A, 120],
    ],
  );
});

test("an answer that has both of another's addresses is one conflict, not two; who had the name asks again and keeps it", () => {
  const segment = settled();
  tell(segment, other, "fd00::99");
  segment.run(settledMs + 5000);
  assert.deepEqual(segment.owners("jellyfin"), [own]);
  assert.ok(
    segment.heard.some(({ from, message }) => from === own && message.authorities.length > 0),
    "it probed again",
  );
});

test("another one's address by IPv6 alone is a conflict where there is one of ours", () => {
  const segment = settled();
  tell(segment, "fd00::99");
  segment.run(settledMs + 5000);
  assert.ok(segment.heard.some(({ from, message }) => from === own && message.authorities.length > 0));
});

test("a goodbye of a name says it of all its addresses", () => {
  const segment = settled();
  segment.leave(own);
  for (const from of [own, linkLocal(own)])
    assert.deepEqual(
      segment.heard.filter((each) => each.from === from).map(({ message }) => message.answers.map(({ type, ttl }) => [type, ttl])),
      [[TYPE.A, TYPE.AAAA, TYPE.AAAA].map((type) => [type, 0])],
    );
});

test("a member that speaks by IPv6 is known by what it tells", () => {
  const segment = new MdnsSegment();
  segment.wish(own, ["jellyfin"], { members: new Map([["FD00:0::99", "lower"]]), ipv6: [ipv6] });
  segment.run(settledMs);
  const records = [addressRecord(name, other), addressRecord(name, "fd00::99")];
  segment.send(encodeMessage({ ...EMPTY, response: true, answers: records }), { address: linkLocal(other), port: 5353 });
  segment.run(settledMs + 500);
  assert.deepEqual(segment.responder(own).names, [
    { host: "jellyfin", state: "yielded", holder: { address: linkLocal(other), member: true } },
  ]);
});
