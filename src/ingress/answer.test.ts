import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DnsEntry, HouseName, Table } from "../api/table.ts";
import type { DnsAnswer } from "../api/dns-reply.ts";
import { answer, viewOf, type View } from "./answer.ts";
import { compileZone } from "./zone.ts";

const nodes: Table["nodes"] = {
  attic: { lan: ["10.9.0.4", "192.168.1.10"], tailnet: ["100.64.0.1"] },
  nas: { lan: ["192.168.1.20"], tailnet: ["100.64.0.2"] },
  away: { lan: ["172.20.0.5"], tailnet: [] },
};
const entry = (name: string, type: DnsEntry["type"], ...values: readonly string[]): DnsEntry => ({
  name: `${name}.home.internal`,
  type,
  values,
  ttl: 60,
});
const records = [
  entry("printer", "A", "192.168.1.40"),
  entry("alias", "CNAME", "app.home.internal"),
  entry("out", "CNAME", "www.example.com"),
  entry("dangling", "CNAME", "nobody.home.internal"),
  entry("loop", "CNAME", "loop.home.internal"),
  entry("text", "TXT", "hello"),
  entry("*.dev", "A", "10.0.0.1"),
];
const houseNames: readonly HouseName[] = [
  { name: "app.home.internal", nodes: ["attic", "nas"] },
  { name: "*.wild.home.internal", nodes: ["nas"] },
];
const zone = compileZone({ revision: 7, node: "attic", zone: "home.internal", nodes, records, houseNames });

const LAN: View = { from: "lan", asked: "192.168.1.10" };
const ask = (name: string, type = "A", view = LAN): DnsAnswer => answer(zone, { name, type }, view);
const dataOf = (found: DnsAnswer): readonly unknown[] => found.answers.map(({ data }) => data);

test("an app is answered with the addresses of its nodes, by where the question came from", () => {
  assert.deepEqual(dataOf(ask("app.home.internal")), ["192.168.1.10", "192.168.1.20"]);
  assert.deepEqual(dataOf(ask("app.home.internal", "A", { from: "tailnet", asked: "100.64.0.1" })), ["100.64.0.1", "100.64.0.2"]);
  assert.deepEqual(dataOf(ask("app.home.internal", "A", { from: "container", asked: "172.30.0.1" })), ["172.30.0.1"]);
  assert.deepEqual(dataOf(ask("app.home.internal", "A", { from: "lan", asked: "10.9.0.9" })), ["10.9.0.4", "192.168.1.20"]);
});

test("an app has IPv6 addresses as well, where its nodes have them, and to a container none", () => {
  const both = compileZone({
    revision: 1,
    node: "attic",
    zone: "home.internal",
    nodes: {
      attic: { lan: ["192.168.1.10", "fd00:1::10", "2001:db8::10"], tailnet: ["100.64.0.1", "fd7a:115c:a1e0::1"] },
      nas: { lan: ["192.168.1.20"], tailnet: [] },
    },
    records: [],
    houseNames,
  });
  const asked = (view: View, type = "AAAA"): readonly unknown[] => dataOf(answer(both, { name: "app.home.internal", type }, view));
  assert.deepEqual(asked(LAN), ["fd00:1::10"]);
  assert.deepEqual(asked({ from: "lan", asked: "2001:db8::10" }), ["2001:db8::10"]);
  assert.deepEqual(asked({ from: "lan", asked: "fd00:1::10" }, "A"), ["192.168.1.10", "192.168.1.20"]);
  assert.deepEqual(asked({ from: "tailnet", asked: "100.64.0.1" }), ["fd7a:115c:a1e0::1"]);
  assert.deepEqual(asked({ from: "container", asked: "172.30.0.1" }), []);
  const nothing = answer(both, { name: "nas.node.home.internal", type: "AAAA" }, LAN);
  assert.deepEqual([nothing.rcode, nothing.answers], ["NOERROR", []]);
});

test("a question on loopback is answered with the node's own address, or loopback when it has none", () => {
  const loopback: View = { from: "loopback", asked: "127.0.0.1" };
  assert.deepEqual(dataOf(ask("ns.home.internal", "A", loopback)), ["10.9.0.4"]);
  const lonely = compileZone({
    revision: 1,
    node: "attic",
    zone: "home.internal",
    nodes: { attic: { lan: [], tailnet: [] } },
    records: [],
    houseNames,
  });
  assert.deepEqual(dataOf(answer(lonely, { name: "app.home.internal", type: "A" }, loopback)), ["127.0.0.1"]);
});

test("a container reaches a node under the node's own address", () => {
  assert.deepEqual(dataOf(ask("nas.node.home.internal", "A", { from: "container", asked: "172.30.0.1" })), ["192.168.1.20"]);
});

test("at most four addresses are answered", () => {
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`n${index}`, { lan: [`192.168.1.${index}`], tailnet: [] }]));
  const wide = compileZone({
    revision: 1,
    node: "n0",
    zone: "home.internal",
    nodes: many,
    records: [],
    houseNames: [{ name: "app.home.internal", nodes: Object.keys(many) }],
  });
  assert.equal(answer(wide, { name: "app.home.internal", type: "A" }, LAN).answers.length, 4);
});

test("a name without that type is no error, and says how long to remember it", () => {
  for (const name of [
    "app.home.internal",
    "text.home.internal",
    "dev.home.internal",
    "home.internal",
    "node.home.internal",
    "x.dev.home.internal",
  ]) {
    const found = ask(name, "AAAA");
    assert.equal(found.rcode, "NOERROR", name);
    assert.equal(found.answers.length, 0);
    assert.equal(found.authorities[0]?.type, "SOA");
  }
});

test("a name that is not there is NXDOMAIN with the zone's SOA", () => {
  const found = ask("nobody.home.internal");
  assert.equal(found.rcode, "NXDOMAIN");
  assert.equal(found.authorities[0]?.type === "SOA" && found.authorities[0].data.minimum, 5);
});

test("wildcards answer under the name that was asked", () => {
  assert.deepEqual(ask("x.dev.home.internal").answers, [{ name: "x.dev.home.internal", type: "A", data: "10.0.0.1", ttl: 60 }]);
  assert.deepEqual(dataOf(ask("a.b.wild.home.internal")), ["192.168.1.20"]);
});

test("an alias is followed inside of the zone and left to the asker outside", () => {
  assert.deepEqual(dataOf(ask("alias.home.internal")), ["app.home.internal", "192.168.1.10", "192.168.1.20"]);
  assert.deepEqual(
    ask("alias.home.internal").answers.map(({ name }) => name),
    ["alias.home.internal", "app.home.internal", "app.home.internal"],
  );
  assert.deepEqual(dataOf(ask("alias.home.internal", "CNAME")), ["app.home.internal"]);
  assert.deepEqual(dataOf(ask("out.home.internal")), ["www.example.com"]);
  assert.equal(ask("dangling.home.internal").rcode, "NXDOMAIN");
  assert.equal(ask("alias.home.internal", "AAAA").authorities.length, 1);
  assert.equal(ask("loop.home.internal").rcode, "NOERROR");
});

test("the zone itself has SOA and NS, and the name server an address", () => {
  assert.equal(ask("home.internal", "SOA").answers[0]?.type, "SOA");
  assert.deepEqual(dataOf(ask("home.internal", "NS")), ["ns.home.internal"]);
  assert.deepEqual(dataOf(ask("ns.home.internal")), ["192.168.1.10"]);
});

test("everything else is refused, and everything is a failure before the first table", () => {
  for (const name of ["example.com", "internal", "myhome.internal", ".", "1.168.192.in-addr.arpa"])
    assert.equal(ask(name).rcode, "REFUSED", name);
  assert.equal(ask("home.internal", "AXFR").rcode, "REFUSED");
  for (const name of ["app.home.internal", "example.com"]) assert.equal(answer(undefined, { name, type: "A" }, LAN).rcode, "SERVFAIL");
});

test("ANY gets one short record", () => {
  assert.deepEqual(
    ask("app.home.internal", "ANY").answers.map(({ type }) => type),
    ["HINFO"],
  );
  assert.equal(ask("nobody.home.internal", "ANY").rcode, "NXDOMAIN");
});

test("where a question came from is told by who asked and where", () => {
  const containers = { gateway: "172.30.0.1", subnets: ["172.30.0.0/16"] };
  const view = (asked: string, client: string) => viewOf(asked, client, nodes["attic"], containers).from;
  assert.equal(view("172.30.0.1", "172.30.0.9"), "container");
  assert.equal(view("192.168.1.10", "172.30.0.9"), "container");
  assert.equal(view("172.30.0.1", "172.30.0.1"), "lan");
  assert.equal(view("127.0.0.1", "127.0.0.1"), "loopback");
  assert.equal(view("100.64.0.1", "100.64.0.9"), "tailnet");
  assert.equal(view("192.168.1.10", "192.168.1.77"), "lan");
});

const labels = fc.array(fc.constantFrom("a", "b", "*", "app", "ns", "node", "A"), { minLength: 0, maxLength: 4 });
const anyName = labels.map((list) => [...list, "home.internal"].join("."));
const anyEntry: fc.Arbitrary<DnsEntry> = fc.record({
  name: anyName,
  type: fc.constantFrom("A", "AAAA", "CNAME", "TXT", "MX", "SRV"),
  values: fc.array(
    fc.oneof(fc.constantFrom("10.0.0.1", "fd00::1", "a.home.internal", "1 a.home.internal", "1 2 3 b.home.internal"), fc.string()),
    { maxLength: 2 },
  ),
  ttl: fc.nat(300),
});
const anyZone = fc.record({
  records: fc.array(anyEntry),
  houseNames: fc.array(fc.record({ name: anyName, nodes: fc.subarray(["attic", "nas", "gone"]) })),
});
const anyView = fc.constantFrom<View>(
  LAN,
  { from: "tailnet", asked: "100.64.0.1" },
  { from: "container", asked: "172.30.0.1" },
  { from: "loopback", asked: "127.0.0.1" },
);
const TYPES = ["A", "AAAA", "CNAME", "TXT", "MX", "SRV", "SOA", "NS", "ANY", "UNKNOWN_65"];

test("any zone and any question have exactly one answer, and no type of a name denies the name", () => {
  fc.assert(
    fc.property(anyZone, fc.oneof(anyName, fc.domain()), anyView, (rows, name, view) => {
      const made = compileZone({ revision: 1, node: "attic", zone: "home.internal", nodes, ...rows });
      const answers = TYPES.map((type) => answer(made, { name, type }, view));
      assert.deepEqual(
        TYPES.map((type) => answer(made, { name, type }, view)),
        answers,
      );
      // An alias takes the answer of where it leads to; the name itself is there, and CNAME says so.
      const exists = answers.some((found) => found.answers.length > 0);
      const asCname = answers[TYPES.indexOf("CNAME")];
      if (exists) assert.notEqual(asCname?.rcode, "NXDOMAIN");
      if (asCname?.answers.length === 0) assert.equal(new Set(answers.map(({ rcode }) => rcode)).size, 1);
      for (const found of answers) {
        assert.ok(found.rcode !== "NXDOMAIN" || found.authorities.length === 1);
        assert.ok(found.answers.filter(({ type }) => type === "A").length <= 4 || rows.records.length > 4);
      }
    }),
  );
});
