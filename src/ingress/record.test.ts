import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { dnsName, lowerCase, parseRecord } from "./record.ts";

test("values are read by their type", () => {
  assert.deepEqual(parseRecord("A", "192.168.1.40"), { type: "A", data: "192.168.1.40" });
  assert.deepEqual(parseRecord("AAAA", "fd00::1"), { type: "AAAA", data: "fd00::1" });
  assert.deepEqual(parseRecord("CNAME", "Nas.Home.Internal."), { type: "CNAME", data: "nas.home.internal" });
  assert.deepEqual(parseRecord("MX", "10 mail.example.com"), { type: "MX", data: { preference: 10, exchange: "mail.example.com" } });
  assert.deepEqual(parseRecord("SRV", "0 5 5060 sip.example.com"), {
    type: "SRV",
    data: { priority: 0, weight: 5, port: 5060, target: "sip.example.com" },
  });
});

test("what is no value of its type is left out", () => {
  const wrong = [
    ["A", "fd00::1"],
    ["A", "x"],
    ["AAAA", "1.2.3.4"],
    ["AAAA", "fe80::1%eth0%"],
    ["CNAME", "a..b"],
    ["MX", "mail"],
    ["MX", "70000 mail"],
    ["SRV", "1 2 3"],
  ] as const;
  for (const [type, value] of wrong) assert.equal(parseRecord(type, value), undefined, `${type} ${value}`);
});

test("a text is kept whole in pieces that a packet can carry", () => {
  fc.assert(
    fc.property(
      fc.string({ unit: "grapheme", maxLength: 2000 }).filter((text) => !text.includes('"')),
      (text) => {
        const record = parseRecord("TXT", text);
        assert.ok(record?.type === "TXT" && record.data.join("") === text && record.data.every((piece) => Buffer.byteLength(piece) <= 255));
      },
    ),
  );
});

test("quoted texts are separate strings", () => {
  assert.deepEqual(parseRecord("TXT", `"v=spf1 -all" "a\\"b"`), { type: "TXT", data: ["v=spf1 -all", 'a"b'] });
});

test("a name that DNS cannot carry is none", () => {
  for (const name of ["", "a..b", `${"x".repeat(64)}.a`, "a b", "ü.de", new Array(130).fill("a").join(".")])
    assert.equal(dnsName(name), undefined, name);
  assert.equal(dnsName("*.Apps.Home.Internal."), "*.apps.home.internal");
});

test("only ASCII letters have a lower case in DNS", () => {
  assert.equal(lowerCase("K\u212a"), "k\u212a");
});
