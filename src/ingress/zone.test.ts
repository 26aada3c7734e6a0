import assert from "node:assert/strict";
import { test } from "node:test";
import type { DnsEntry } from "../api/table.ts";
import { compileZone, isBelow } from "./zone.ts";

const zoneOf = (...records: readonly DnsEntry[]) =>
  compileZone({
    revision: 2 ** 32 + 5,
    node: "attic",
    zone: "Home.Internal",
    nodes: { attic: { lan: ["192.168.1.10"], tailnet: [] } },
    records,
    houseNames: [{ name: "app.home.internal", nodes: ["attic"] }],
  });
const entry = (name: string, type: DnsEntry["type"], ...values: readonly string[]): DnsEntry => ({ name, type, values, ttl: 60 });

test("a name above an existing one exists, empty", () => {
  const zone = zoneOf(entry("a.b.home.internal", "A", "10.0.0.1"));
  assert.deepEqual(zone.lookup("b.home.internal"), { records: [] });
  assert.equal(zone.lookup("c.home.internal"), undefined);
});

test("a wildcard covers what does not exist below it, at any depth", () => {
  const zone = zoneOf(entry("*.dev.home.internal", "A", "10.0.0.1"), entry("api.dev.home.internal", "TXT", "x"));
  assert.equal(zone.lookup("x.dev.home.internal")?.records.length, 1);
  assert.equal(zone.lookup("y.x.dev.home.internal")?.records.length, 1);
  assert.equal(zone.lookup("api.dev.home.internal")?.records[0]?.type, "TXT");
  // RFC 4592: below an existing name its own wildcard counts, and there is none.
  assert.equal(zone.lookup("x.api.dev.home.internal"), undefined);
  assert.deepEqual(zone.lookup("dev.home.internal"), { records: [] });
});

test("every zone has its name server and its nodes", () => {
  const zone = zoneOf();
  assert.deepEqual(zone.lookup("ns.home.internal")?.house, { nodes: ["attic"], what: "node" });
  assert.deepEqual(zone.lookup("attic.node.home.internal")?.house, { nodes: ["attic"], what: "node" });
});

test("records under one name add up", () => {
  const zone = zoneOf(entry("app.home.internal", "TXT", "x"), entry("app.home.internal", "MX", "1 m.example.com"));
  assert.deepEqual(
    zone.lookup("app.home.internal")?.records.map(({ type }) => type),
    ["TXT", "MX"],
  );
  assert.deepEqual(zone.lookup("app.home.internal")?.house?.nodes, ["attic"]);
});

test("a name outside that was given a record is a zone of its own, and what is above, beside and below it is not", () => {
  const zone = zoneOf(entry("mail.example.com", "A", "10.0.0.1"), entry("*.dev.example.com", "A", "10.0.0.2"));
  assert.equal(zone.lookup("mail.example.com")?.records.length, 1);
  assert.equal(zone.lookup("a.b.dev.example.com")?.records.length, 1);
  const origins = ["mail.example.com", "a.b.dev.example.com", "app.home.internal", "example.com", "x.mail.example.com", "dev.example.com"];
  assert.deepEqual(
    origins.map((name) => zone.originOf(name)),
    ["mail.example.com", "dev.example.com", "home.internal", undefined, undefined, undefined],
  );
});

test("the reverse names of nodes are answered, or what a person wrote for them, and no others", () => {
  const name = "10.1.168.192.in-addr.arpa";
  assert.deepEqual(zoneOf().lookup(name)?.records, [{ type: "PTR", data: "attic.node.home.internal", ttl: 5 }]);
  assert.deepEqual(
    zoneOf(entry(name, "PTR", "nas.example.com"))
      .lookup(name)
      ?.records.map(({ data }) => data),
    ["nas.example.com"],
  );
  assert.equal(zoneOf().originOf("11.1.168.192.in-addr.arpa"), undefined);
});

test("a name whose values cannot be read exists all the same", () => {
  assert.deepEqual(zoneOf(entry("bad.home.internal", "A", "nonsense")).lookup("bad.home.internal"), { records: [] });
});

test("a serial has 32 bits", () => {
  assert.equal(zoneOf().serial, 5);
});

test("a zone is below itself and not beside itself", () => {
  assert.ok(isBelow("home.internal", "home.internal") && isBelow("a.home.internal", "home.internal"));
  assert.ok(!isBelow("myhome.internal", "home.internal") && !isBelow("internal", "home.internal"));
});
