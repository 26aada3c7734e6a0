import assert from "node:assert/strict";
import { test } from "node:test";
import type { Table } from "../api/table.ts";
import { replyTo, type Known } from "./reply.ts";
import { compileZone } from "./zone.ts";

const table: Table = {
  revision: 1,
  node: "attic",
  zone: "home.internal",
  http: [],
  streams: [],
  records: [],
  houseNames: [{ name: "app.home.internal", nodes: ["attic"] }],
  nodes: { attic: { lan: ["192.168.1.10"], tailnet: ["100.64.0.1"] } },
};
const containers = { gateway: "172.30.0.1", subnets: ["172.30.0.0/16"], upstreams: ["192.168.1.1"] };
const known: Known = { zone: compileZone(table), table, containers };
const kindOf = (name: string, asked: string, client: string, what: Known = known): string => {
  const reply = replyTo({ name, type: "A" }, { asked, client }, what);
  return reply.kind === "answer" ? reply.answer.rcode : reply.kind;
};

test("names outside of the zone are looked up for containers on the gateway, and for nobody else", () => {
  assert.equal(kindOf("Example.com", "172.30.0.1", "172.30.0.9"), "forward");
  assert.equal(kindOf("example.com", "192.168.1.10", "172.30.0.9"), "REFUSED");
  assert.equal(kindOf("example.com", "172.30.0.1", "172.30.0.1"), "REFUSED");
  assert.equal(kindOf("example.com", "172.30.0.1", "192.168.1.7"), "REFUSED");
  assert.equal(kindOf("APP.home.internal", "172.30.0.1", "172.30.0.9"), "NOERROR");
});

test("who comes from the internet is a stranger, whatever the question", () => {
  for (const client of ["8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8", ""])
    assert.equal(kindOf("app.home.internal", "192.168.1.10", client), "stranger");
  for (const client of ["192.168.1.7", "100.64.0.9", "127.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0"])
    assert.equal(kindOf("app.home.internal", "192.168.1.10", client), "NOERROR");
});

test("without a table nothing is known, for containers either: they have other name servers to ask", () => {
  assert.equal(kindOf("example.com", "172.30.0.1", "172.30.0.9", { containers }), "SERVFAIL");
});
