// The laws of the house's names: one answer to each question, no name denied for a type that it lacks, no app that is answered otherwise
// because of another one. And no bytes that upset whoever answers: FOSSORA_DNS_PACKETS how many, FOSSORA_SEED which.
import assert from "node:assert/strict";
import { test } from "node:test";
import dnsPacket from "dns-packet";
import fc from "fast-check";
import { AnswerCache } from "../../src/adapters/dns/answer-cache.ts";
import { decodeQuery, encodeAnswer, encodeDatagram, joined, questionFor, refusal } from "../../src/adapters/dns/codec.ts";
import { cutShort, passBack, passOn } from "../../src/adapters/dns/passed-on.ts";
import type { Peer, Reply } from "../../src/api/dns-reply.ts";
import { parseManifests } from "../../src/api/manifest.ts";
import type { DnsEntry, HouseName, Table } from "../../src/api/table.ts";
import { placeOf, replyTo, type Known } from "../../src/ingress/reply.ts";
import { compileZone } from "../../src/ingress/zone.ts";
import { SeededRandom } from "../fakes/clock.ts";
import { dnsPackets } from "../support/dns-packets.ts";

/** Ten times as many in the soak; as many again go over sockets. */
const PACKETS = Number(process.env["FOSSORA_DNS_PACKETS"] ?? 100_000) * 0.9;
const SEED = process.env["FOSSORA_SEED"] === undefined ? {} : { seed: Number(process.env["FOSSORA_SEED"]) };
const HEAP_BYTES_MAX = 64 * 1024 * 1024;
/** A hundred times what a packet takes. */
const CPU_MICROSECONDS_EACH_MAX = 2_000;

type Rows = Pick<Table, "records" | "houseNames">;

const containers = { gateway: "172.30.0.1", subnets: ["172.30.0.0/16"], upstreams: ["192.168.1.1"] };
const networks = ["192.168.1.10/24"];
const nodes: Table["nodes"] = { attic: { lan: ["192.168.1.10"], tailnet: ["100.64.0.1"] }, nas: { lan: ["192.168.1.20"], tailnet: [] } };
const upstreams = [{ host: "9.9.9.9", port: 53 }];
const PEERS: readonly Peer[] = [
  { asked: "192.168.1.10", client: "192.168.1.77" },
  { asked: "192.168.1.10", client: "192.168.1.20" },
  { asked: "192.168.1.10", client: "8.8.8.8" },
  { asked: "100.64.0.1", client: "100.64.0.9" },
  { asked: "172.30.0.1", client: "172.30.0.9" },
  { asked: "127.0.0.1", client: "127.0.0.1" },
];
const TYPES = ["A", "AAAA", "CNAME", "TXT", "SRV", "MX", "PTR", "SOA", "NS", "ANY", "UNKNOWN_65"];

function knownOf(rows: Rows, resolver: Table["resolver"] | undefined): Known {
  const table: Table = {
    revision: 1,
    node: "attic",
    zone: "home.internal",
    http: [],
    streams: [],
    nodes,
    ...rows,
    ...(resolver && { resolver }),
  };
  return { zone: compileZone(table), table, containers, networks };
}

const label = fc.constantFrom("a", "b", "*", "ns", "node", "app");
const nameIn = (zone: string): fc.Arbitrary<string> =>
  fc.array(label, { minLength: 1, maxLength: 3 }).map((labels) => [...labels, zone].join("."));
const anyName = fc.oneof(
  nameIn("home.internal"),
  nameIn("example.com"),
  fc.constantFrom("home.internal", "10.1.168.192.in-addr.arpa", "com"),
);
const anyEntry: fc.Arbitrary<DnsEntry> = fc
  .tuple(
    anyName,
    fc.constantFrom<readonly [DnsEntry["type"], string]>(
      ["A", "10.0.0.1"],
      ["AAAA", "fd00::1"],
      ["CNAME", "b.home.internal"],
      ["CNAME", "www.example.com"],
      ["TXT", "hello"],
      ["SRV", "1 2 3 b.home.internal"],
      ["MX", "1 a.home.internal"],
      ["PTR", "a.home.internal"],
      ["A", "nonsense"],
    ),
  )
  .map(([name, [type, value]]) => ({ name, type, values: [value], ttl: 60 }));
const anyHouseName: fc.Arbitrary<HouseName> = fc.record({ name: anyName, nodes: fc.subarray(["attic", "nas", "gone"]) });
const anyRows: fc.Arbitrary<Rows> = fc.record({ records: fc.array(anyEntry), houseNames: fc.array(anyHouseName) });
const anyResolver = fc.constantFrom<Table["resolver"] | undefined>(
  undefined,
  { serve: ["lan", "tailnet"], upstreams },
  { serve: ["lan"], upstreams: [] },
);

const rcodeOf = (reply: Reply): string => (reply.kind === "answer" ? reply.answer.rcode : reply.kind);

test("any table and any question have exactly one answer, whoever asks", () => {
  fc.assert(
    fc.property(
      anyRows,
      anyResolver,
      fc.oneof(anyName, fc.domain(), fc.string()),
      fc.constantFrom(...TYPES),
      (rows, resolver, name, type) => {
        const [first, second] = [knownOf(rows, resolver), knownOf(structuredClone(rows), resolver)];
        for (const peer of PEERS) {
          const reply = replyTo({ name, type }, peer, first);
          assert.deepEqual(replyTo({ name, type }, peer, second), reply);
          assert.equal(reply.kind === "stranger", placeOf(peer, first) === undefined);
          if (reply.kind !== "answer") continue;
          const { rcode, answers, authorities, authoritative } = reply.answer;
          // What is denied says how long to remember it; what is refused says nothing.
          assert.equal(authorities.length, rcode === "NXDOMAIN" || (rcode === "NOERROR" && authorities.length > 0) ? 1 : 0);
          if (rcode === "REFUSED" || rcode === "SERVFAIL") assert.deepEqual([answers.length, authoritative], [0, false]);
        }
      },
    ),
    SEED,
  );
});

test("a name that is there is never denied, whatever type it is asked for", () => {
  fc.assert(
    fc.property(anyRows, anyName, (rows, name) => {
      const known = knownOf(rows, undefined);
      for (const peer of PEERS) {
        const replies = TYPES.map((type) => replyTo({ name, type }, peer, known));
        const isThere = replies.some((reply) => reply.kind === "answer" && reply.answer.answers.some((row) => row.name === name));
        if (!isThere) continue;
        for (const [index, reply] of replies.entries()) {
          const leads = reply.kind === "answer" && reply.answer.answers.some(({ type }) => type === "CNAME");
          // An alias has the answer of where it leads to, which may be nowhere.
          if (!leads) assert.equal(rcodeOf(reply), peer.client === "8.8.8.8" ? "stranger" : "NOERROR", `${TYPES[index]}`);
        }
      }
    }),
    SEED,
  );
});

/** Rows of one app: its name, names below it, and what it gave them. */
const rowsOfApp = (app: string): fc.Arbitrary<Rows> => {
  const name = fc.constantFrom(`${app}.home.internal`, `x.${app}.home.internal`, `*.${app}.home.internal`, `${app}.example.com`);
  const record = fc.tuple(anyEntry, name).map(([entry, own]) => ({ ...entry, name: own }));
  const house = fc.tuple(anyHouseName, name).map(([entry, own]) => ({ ...entry, name: own }));
  const notLeaving = (entry: DnsEntry): boolean => entry.type !== "CNAME" || entry.values[0] === "www.example.com";
  return fc.record({ records: fc.array(record.filter(notLeaving), { maxLength: 4 }), houseNames: fc.array(house, { maxLength: 2 }) });
};

test("what one app is answered with is the same whatever another one has, is or was", () => {
  const together = (one: Rows, other: Rows): Rows => ({
    records: [...one.records, ...other.records],
    houseNames: [...one.houseNames, ...other.houseNames],
  });
  fc.assert(
    fc.property(rowsOfApp("b"), rowsOfApp("a"), rowsOfApp("a"), anyResolver, (own, before, after, resolver) => {
      const [first, second] = [knownOf(together(before, own), resolver), knownOf(together(own, after), resolver)];
      for (const name of ["b.home.internal", "x.b.home.internal", "y.x.b.home.internal", "other.b.home.internal", "b.example.com"])
        for (const type of TYPES)
          for (const peer of PEERS)
            assert.deepEqual(replyTo({ name, type }, peer, first), replyTo({ name, type }, peer, second), `${name} ${type}`);
    }),
    { ...SEED, numRuns: 60 },
  );
});

test("the longest text that is accepted has room in an answer, whatever the name that is asked", () => {
  // Of letters that leave most room unused, in values that leave most of it to names.
  const values = Array.from({ length: 64 }, () => "\u{1f3e0}".repeat(160));
  const spec = JSON.stringify({ name: "*.dev", type: "TXT", values });
  const accepts = (text: string): boolean =>
    parseManifests([{ file: "a.yaml", text: `apiVersion: fossora.dev/v1\nkind: DnsRecord\nmetadata: { name: x }\nspec: ${text}` }]).problems
      .length === 0;
  assert.deepEqual([accepts(spec), accepts(spec.replace('"]', 'x"]'))], [true, false]);
  const alias = (index: number): string =>
    `${"x".repeat(60)}.${"x".repeat(60)}.${"x".repeat(60)}.${index}${"x".repeat(47)}.dev.home.internal`;
  const records: readonly DnsEntry[] = [
    { name: "*.dev.home.internal", type: "TXT", values, ttl: 5 },
    ...Array.from({ length: 7 }, (_, index) => ({ name: alias(index), type: "CNAME" as const, values: [alias(index + 1)], ttl: 5 })),
  ];
  const question = { name: alias(0), type: "TXT" as const };
  const reply = replyTo(question, { asked: "127.0.0.1", client: "127.0.0.1" }, knownOf({ records, houseNames: [] }, undefined));
  assert.ok(reply.kind === "answer" && reply.answer.answers.length === 64 + 7);
  const query = { id: 1, recursionDesired: true, question, udpSize: 1232 };
  const whole = dnsPacket.decode(encodeAnswer(query, reply.answer)) as dnsPacket.DecodedPacket & { readonly rcode: string }; // its types leave the code out
  assert.deepEqual([whole.rcode, whole.answers?.length], ["NOERROR", 64 + 7]);
});

test(`of ${PACKETS.toLocaleString("en")} packets none makes the name server throw, lie about its length, or keep anything`, () => {
  const random = new SeededRandom(SEED.seed ?? 1);
  const next = dnsPackets(random);
  const rows: Rows = {
    records: [
      { name: "printer.home.internal", type: "A", values: ["10.0.0.1"], ttl: 5 },
      { name: "*.dev.home.internal", type: "TXT", values: ["x".repeat(700)], ttl: 5 },
      { name: "a.home.internal", type: "CNAME", values: ["www.example.org"], ttl: 5 },
      { name: "www.home.internal", type: "CNAME", values: ["printer.home.internal"], ttl: 5 },
    ],
    houseNames: [{ name: "app.home.internal", nodes: ["attic", "nas"] }],
  };
  const known = knownOf(rows, { serve: ["lan"], upstreams });
  const cache = new AnswerCache();
  cache.enter(known);
  const cpu = process.cpuUsage();
  let heap = 0;
  for (let count = 0; count < PACKETS; count += 1) {
    if (count === Math.floor(PACKETS / 3)) heap = process.memoryUsage().heapUsed;
    answerOne(next(), next, { known, cache, peer: PEERS[count % 2] ?? assert.fail("there are two") });
  }
  const used = process.cpuUsage(cpu);
  assert.ok((used.user + used.system) / PACKETS < CPU_MICROSECONDS_EACH_MAX);
  assert.ok(process.memoryUsage().heapUsed - heap < HEAP_BYTES_MAX);
});

interface Desk {
  readonly known: Known;
  readonly cache: AnswerCache;
  readonly peer: Peer;
}

/** As the sockets do it, with another packet as the upstream's answer. */
function answerOne(packet: Buffer, next: () => Buffer, { known, cache, peer }: Desk): void {
  const place = placeOf(peer, known) ?? assert.fail("nobody here is a stranger");
  const kept = cache.find(packet, place);
  const decoded = decodeQuery(packet);
  if (decoded.kind !== "query") {
    assert.equal(kept, undefined);
    if (decoded.kind === "error") assertReply(decoded.reply, packet);
    return;
  }
  const { query } = decoded;
  const reply = replyTo(query.question, peer, known);
  if (reply.kind !== "answer") {
    assertReply(refusal(query, "SERVFAIL"), packet);
    const passed = passOn(packet, 7, peer.client);
    const answers = [next(), answerLike(passed), answerLike(Buffer.concat([passed, next()]))];
    for (const back of answers.map((answer) => passBack(answer, packet, 7))) {
      if (back === undefined) continue;
      assertReply(back, packet);
      assertReply(cutShort(back, packet), packet);
    }
    return;
  }
  if (reply.follow !== undefined) {
    const asked = questionFor(query, reply.follow.name);
    for (const rest of [undefined, next(), answerLike(asked), answerLike(Buffer.concat([asked, next()]))])
      assertReply(joined(query, reply.answer, rest), packet);
    return;
  }
  const made = encodeDatagram(query, reply.answer, reply.recursion);
  assertReply(made, packet);
  assert.ok(made.length <= (query.udpSize === undefined ? 512 : 1232));
  if (kept !== undefined) assert.deepEqual(kept, made);
  cache.keep(packet, place, made);
}

function answerLike(passed: Buffer): Buffer {
  const answer = Buffer.from(passed);
  answer.writeUInt8(answer.readUInt8(2) | 0x80, 2);
  return answer;
}

function assertReply(reply: Buffer, packet: Buffer): void {
  assert.ok(reply.length >= 12 && (reply.readUInt8(2) & 0x80) !== 0);
  assert.equal(reply.readUInt16BE(0), packet.readUInt16BE(0));
}
