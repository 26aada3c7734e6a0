import assert from "node:assert/strict";
import { test } from "node:test";
import type { DnsRecordSpec } from "../../src/api/types.ts";
import { record } from "../../test/fakes/routes.ts";
import { bucketOf, wantSame, winnerOver } from "./conflict.ts";

const zone = "home.internal";
const spec = (name: string, type: DnsRecordSpec["type"] = "A"): DnsRecordSpec => ({ name, type, values: ["x"], ttl: "5m" });

test("one name is the same in all its spellings, and an alias is everything under its name", () => {
  for (const [a, b] of [
    [spec("printer"), spec("PRINTER")],
    [spec("printer"), spec("printer.home.internal.")],
    [spec("*.dev"), spec("*.dev.home.internal.")],
    [spec("printer", "CNAME"), spec("printer", "TXT")],
  ] as const)
    assert.ok(wantSame(a, b, zone) && wantSame(b, a, zone) && bucketOf(a) === bucketOf(b), JSON.stringify([a, b]));
  for (const [a, b] of [
    [spec("printer"), spec("printer", "TXT")],
    [spec("printer"), spec("printer.example.org.")],
    [spec("printer", "CNAME"), spec("scanner")],
  ] as const)
    assert.ok(!wantSame(a, b, zone), JSON.stringify([a, b]));
});

test("what a person wrote has the name before what follows from a Route, and then the older one", () => {
  const printer = record("printer", spec("printer"));
  const derived = record("route", spec("printer"), "Route/route", "2020-01-01T00:00:00Z");
  const older = record("older", spec("printer"), undefined, "2020-01-01T00:00:00Z");
  assert.equal(winnerOver(derived, [printer], zone), "printer");
  assert.equal(winnerOver(printer, [derived], zone), undefined);
  assert.equal(winnerOver(printer, [older], zone), "older");
});

test("a record that is not answered keeps nobody else from its name", () => {
  const text = record("text", spec("x", "TXT"), undefined, "2020-01-01T00:00:00Z");
  const alias = record("alias", spec("x", "CNAME"), undefined, "2021-01-01T00:00:00Z");
  const address = record("address", spec("x"), undefined, "2022-01-01T00:00:00Z");
  assert.deepEqual([winnerOver(alias, [text, address], zone), winnerOver(address, [text, alias], zone)], ["text", undefined]);
});
