import assert from "node:assert/strict";
import { test } from "node:test";
import { MdnsSegment, type Heard } from "../../test/support/mdns-segment.ts";
import { encodeMessage, TYPE, type MdnsMessage, type MdnsQuestion, type MdnsRecord } from "./mdns-message.ts";
import { addressRecord, TTL } from "./mdns-records.ts";

const [own, other] = ["192.168.1.10", "192.168.1.99"];
const name = "jellyfin.local";
const settledMs = 10_000;
const EMPTY: MdnsMessage = { id: 0, response: false, truncated: false, questions: [], answers: [], authorities: [], additionals: [] };
const question = (more: Partial<MdnsQuestion> = {}): MdnsQuestion => ({ name, type: TYPE.A, unicast: false, ...more });

/** Has announced jellyfin.local ten seconds ago, and nothing since was heard. */
function settled(hosts: readonly string[] = ["jellyfin"], random = (): number => 0): MdnsSegment {
  const segment = new MdnsSegment({ random });
  segment.wish(own, hosts);
  segment.run(settledMs);
  segment.heard.length = 0;
  return segment;
}

function ask(segment: MdnsSegment, message: Partial<MdnsMessage>, port = 5353, from = other): void {
  segment.send(encodeMessage({ ...EMPTY, questions: [question()], ...message }), { address: from, port });
}

function tell(segment: MdnsSegment, records: readonly MdnsRecord[], port = 5353): void {
  segment.send(encodeMessage({ ...EMPTY, response: true, answers: records }), { address: other, port });
}

const answersOf = ({ heard }: MdnsSegment): readonly Heard[] => heard.filter(({ from, message }) => from === own && message.response);
const told = ({ message: { answers } }: Heard): readonly unknown[] => answers.map(({ type, ttl, flush }) => [type, ttl, flush]);

test("a name is announced twice, so that whoever knew another address forgets it", () => {
  const segment = new MdnsSegment();
  segment.wish(own, ["jellyfin", "immich"]);
  segment.run(5000);
  assert.deepEqual(
    answersOf(segment).map((each) => [each.atMs, told(each)]),
    [750, 1750].map((atMs) => [
      atMs,
      [
        [TYPE.A, 120, true],
        [TYPE.A, 120, true],
      ],
    ]),
  );
  assert.deepEqual(segment.responder(own).names, [
    { host: "jellyfin", state: "owned" },
    { host: "immich", state: "owned" },
  ]);
  assert.equal(segment.responder(own).dueAtMs, Number.POSITIVE_INFINITY, "at rest nothing wakes it");
});

test("a question is answered at once to all, whatever its case; one for another name or class is not", () => {
  const segment = settled();
  ask(segment, { questions: [question({ name: "JELLYFIN.Local" })] });
  ask(segment, { questions: [question({ name: "immich.local" }), question({ name: "jellyfin.local.local" })] });
  segment.run(settledMs + 500);
  assert.deepEqual(
    answersOf(segment).map((each) => [each.atMs, each.to, told(each), each.message.additionals.map(({ type }) => type)]),
    [[settledMs + 1, undefined, [[TYPE.A, 120, true]], [TYPE.NSEC]]],
  );
});

test("where only some questions are for us, the answer waits for others that speak", () => {
  const segment = settled(["jellyfin"], () => 0.5);
  ask(segment, { questions: [question(), question({ name: "immich.local" })] });
  segment.run(settledMs + 500);
  assert.deepEqual(
    answersOf(segment).map(({ atMs }) => atMs),
    [settledMs + 1 + 70],
  );
});

test("who asks for an IPv6 address hears that there is none", () => {
  const segment = settled();
  ask(segment, { questions: [question({ type: TYPE.AAAA })] });
  segment.run(settledMs + 500);
  const [answer] = answersOf(segment);
  assert.deepEqual(answer && [told(answer), answer.message.additionals.map(({ type }) => type)], [[[TYPE.NSEC, 120, true]], [TYPE.A]]);
});

test("what the asker knows is not told again, unless it is about to forget it or knows another address", () => {
  for (const [known, expected] of [
    [addressRecord(name, own, TTL), 0],
    [addressRecord(name, own, TTL / 2), 0],
    [addressRecord(name, own, TTL / 2 - 1), 1],
    [addressRecord(name, other, TTL), 1],
  ] as const) {
    const segment = settled();
    ask(segment, { answers: [known] });
    segment.run(settledMs + 500);
    assert.equal(answersOf(segment).length, expected, JSON.stringify(known));
  }
});

test("known answers that come in another message are waited for", () => {
  const segment = settled();
  ask(segment, { truncated: true });
  segment.run(settledMs + 100);
  ask(segment, { questions: [], answers: [addressRecord(name, own)] });
  segment.run(settledMs + 1000);
  assert.equal(answersOf(segment).length, 0);
  ask(segment, { truncated: true });
  ask(segment, { truncated: true }, 5353, "192.168.1.98");
  ask(segment, { questions: [], answers: [addressRecord(name, own)] });
  segment.run(settledMs + 2000);
  assert.equal(answersOf(segment).length, 1, "the other one does not know it");
});

test("all hear a record once a second at most, but whoever wants the name hears it sooner", () => {
  const segment = settled();
  for (let asked = 0; asked < 30; asked += 1) {
    ask(segment, {});
    segment.run(settledMs + asked * 100);
  }
  segment.run(settledMs + 5000);
  const times = answersOf(segment).map(({ atMs }) => atMs);
  assert.equal(times.length, 4);
  times.slice(1).forEach((atMs, index) => assert.ok(atMs - (times[index] ?? 0) >= 1000));
  segment.run(settledMs + 10_000);
  segment.heard.length = 0;
  ask(segment, {});
  segment.run(settledMs + 10_100);
  ask(segment, { questions: [question({ type: TYPE.ANY })], authorities: [addressRecord(name, other)] });
  segment.run(settledMs + 10_400);
  assert.equal(answersOf(segment).length, 2);
});

test("who asks for an answer to itself gets one, if all others heard it lately", () => {
  const segment = settled();
  ask(segment, { questions: [question({ unicast: true })], id: 9 });
  segment.run(settledMs + 500);
  assert.deepEqual(
    answersOf(segment).map(({ to, message }) => [to, message.id]),
    [[{ address: other, port: 5353 }, 9]],
  );
  segment.run(settledMs + 60_000);
  segment.heard.length = 0;
  ask(segment, { questions: [question({ unicast: true })], id: 9 });
  segment.run(settledMs + 61_000);
  assert.deepEqual(
    answersOf(segment).map(({ to, message }) => [to, message.id]),
    [[undefined, 0]],
  );
});

test("who claims the name and wants to be answered alone hears it twice: alone, and with all", () => {
  const segment = settled();
  ask(segment, { questions: [question({ type: TYPE.ANY, unicast: true })], authorities: [addressRecord(name, other)] });
  segment.run(settledMs + 500);
  assert.deepEqual(
    answersOf(segment).map(({ to }) => to?.address),
    [other, undefined],
  );
});

test("between its announcements a name is answered, and no record is told twice within a second", () => {
  const segment = new MdnsSegment();
  segment.wish(own, ["jellyfin"]);
  segment.run(900);
  for (let asked = 0; asked < 20; asked += 1) {
    ask(segment, {});
    segment.run(900 + asked * 90);
  }
  segment.run(10_000);
  const times = answersOf(segment).map(({ atMs }) => atMs);
  assert.ok(times.length >= 3);
  times.slice(1).forEach((atMs, index) => assert.ok(atMs - (times[index] ?? 0) >= 1000, times.join(" ")));
});

test("an announcement waits a second after an answer to whoever claims the name", () => {
  const segment = new MdnsSegment();
  segment.wish(own, ["jellyfin"]);
  segment.run(1499);
  ask(segment, { questions: [question({ type: TYPE.ANY })], authorities: [addressRecord(name, other)] });
  segment.run(10_000);
  assert.deepEqual(
    answersOf(segment).map(({ atMs }) => atMs),
    [750, 1500, 2500],
  );
});

test("what another process of this node has just told is not told again", () => {
  const segment = settled(["jellyfin"], () => 0.5);
  ask(segment, { questions: [question(), question({ name: "immich.local" })] });
  segment.run(settledMs + 10);
  tell(segment, [addressRecord(name, own)]);
  segment.run(settledMs + 2000);
  assert.deepEqual(answersOf(segment), []);
});

test("a resolver that knows no mDNS is answered alone, with its id and question", () => {
  const segment = settled();
  const asked = question({ name: "Jellyfin.local" });
  ask(segment, { questions: [asked, asked], id: 4711 }, 40_000);
  segment.run(settledMs + 500);
  assert.deepEqual(
    answersOf(segment).map((each) => [each.to, each.message.id, each.message.questions, told(each)]),
    [[{ address: other, port: 40_000 }, 4711, [asked], [[TYPE.A, 10, false]]]],
  );
});

test("askers that want to be answered alone are answered two hundred times a second at most", () => {
  const segment = settled();
  for (let asked = 0; asked < 1000; asked += 1) ask(segment, { id: asked }, 40_000);
  segment.run(settledMs + 500);
  assert.equal(answersOf(segment).length, 200);
});

test("a name that is no longer wished for, and all when the process ends, are said goodbye to", () => {
  const segment = settled(["jellyfin", "immich"]);
  segment.wish(own, ["immich"]);
  segment.run(settledMs + 500);
  const goodbye = ({ message: { answers } }: Heard): readonly unknown[] => answers.map((record) => [record.name, record.ttl]);
  assert.deepEqual(answersOf(segment).map(goodbye), [[[name, 0]]]);
  ask(segment, {});
  segment.run(settledMs + 2000);
  assert.equal(answersOf(segment).length, 1, "it is not answered any more");
  segment.leave(own);
  assert.deepEqual(answersOf(segment).map(goodbye).at(-1), [["immich.local", 0]]);
});

test("a name that is probed for is not answered, and not said goodbye to", () => {
  const segment = new MdnsSegment();
  segment.wish(own, ["jellyfin"]);
  segment.run(300);
  ask(segment, {});
  segment.run(400);
  segment.leave(own);
  assert.deepEqual(answersOf(segment), []);
});

test("another address is announced at once, and old messages of our own are no conflict", () => {
  const segment = settled();
  segment.send(encodeMessage({ ...EMPTY, response: true, answers: [addressRecord(name, own)] }), { address: own, port: 5353 });
  segment.move(own, "192.168.1.11", ["jellyfin"]);
  segment.run(settledMs + 5000);
  const announced = segment.heard.filter(({ from }) => from === "192.168.1.11");
  assert.deepEqual(
    announced.map(({ atMs, message }) => [atMs, message.answers.map(({ data, flush }) => [data.join("."), flush])]),
    [settledMs, settledMs + 1000].map((atMs) => [atMs, [["192.168.1.11", true]]]),
  );
  assert.deepEqual(segment.owners("jellyfin"), ["192.168.1.11"]);
});

test("a name that somebody else has is given up, and taken when they leave", () => {
  const segment = settled();
  segment.wish(other, ["jellyfin"]);
  segment.run(settledMs + 5000);
  assert.deepEqual(segment.responder(other).names, [{ host: "jellyfin", state: "yielded", holder: { address: own, member: false } }]);
  segment.leave(own);
  segment.run(settledMs + 10_000);
  assert.deepEqual(segment.owners("jellyfin"), [other]);
});

test("an answer from another port, a goodbye to another address and a record of another type are no conflict", () => {
  const segment = settled();
  tell(segment, [addressRecord(name, other)], 40_000);
  tell(segment, [addressRecord(name, other, 0), { ...addressRecord(name, other), type: TYPE.AAAA }]);
  segment.run(settledMs + 500);
  assert.deepEqual(
    segment.heard.filter(({ from }) => from === own),
    [],
  );
  assert.deepEqual(segment.owners("jellyfin"), [own]);
});

test("any record of a name that is probed for means that somebody has it", () => {
  const segment = new MdnsSegment();
  segment.wish(own, ["jellyfin"]);
  segment.run(300);
  tell(segment, [{ ...addressRecord(name, other), type: TYPE.AAAA, data: new Uint8Array(16) }]);
  segment.run(5000);
  assert.deepEqual(segment.owners("jellyfin"), []);
});

test("when another program of this computer says goodbye to the same address, it is announced again", () => {
  const segment = settled();
  tell(segment, [addressRecord(name, own, 0)]);
  segment.run(settledMs + 500);
  assert.deepEqual(answersOf(segment).map(told), [[[TYPE.A, 120, true]]]);
});

test("of two nodes of one house the one with the lower id has the name, whoever was first, and nobody calls it a conflict", () => {
  for (const [first, second] of [
    [own, other],
    [other, own],
  ] as const) {
    const segment = new MdnsSegment();
    const membersOf = (address: string): ReadonlyMap<string, "lower" | "higher"> =>
      new Map([address === own ? [other, "higher"] : [own, "lower"]]);
    segment.wish(first, ["jellyfin"], { members: membersOf(first) });
    segment.run(5000);
    segment.wish(second, ["jellyfin"], { members: membersOf(second) });
    segment.run(20_000);
    assert.deepEqual(segment.owners("jellyfin"), [own]);
    assert.deepEqual(segment.responder(other).names, [{ host: "jellyfin", state: "yielded", holder: { address: own, member: true } }]);
    // The lower one loses its power: nobody says goodbye.
    segment.cut(own);
    segment.run(150_000);
    assert.ok(segment.owners("jellyfin").includes(other));
    segment.heal();
    segment.run(300_000);
    assert.ok(segment.owners("jellyfin").includes(own));
  }
});

test("a router that repeats what is said between two networks sets no node of the house against itself", () => {
  const [here, there] = ["192.168.1.10", "10.0.0.10"];
  const [lan, vlan] = [new MdnsSegment(), new MdnsSegment()];
  lan.repeatTo(vlan, "10.0.0.1");
  vlan.repeatTo(lan, "192.168.1.1");
  lan.wish(here, ["jellyfin"], { elsewhere: [there, "fd00:2::10"] });
  vlan.wish(there, ["jellyfin"], { elsewhere: [here], ipv6: ["fd00:2::10"] });
  for (let atMs = 10; atMs <= 2 * settledMs; atMs += 10) {
    // Somebody asks meanwhile, and hears of both.
    if (atMs === settledMs) ask(lan, {});
    lan.run(atMs);
    vlan.run(atMs);
  }
  assert.deepEqual(lan.responder(here).names, [{ host: "jellyfin", state: "owned" }]);
  assert.deepEqual(vlan.responder(there).names, [{ host: "jellyfin", state: "owned" }]);
  assert.ok(lan.heard.length < 40, `${lan.heard.length} messages: they do not answer each other for ever`);
});
