import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import type { Table } from "../api/table.ts";
import { placeOf, replyTo, type Known } from "./reply.ts";
import { compileZone } from "./zone.ts";

const table: Table = {
  revision: 1,
  node: "attic",
  zone: "home.internal",
  http: [],
  streams: [],
  records: [],
  houseNames: [{ name: "app.home.internal", nodes: ["attic", "nas"] }],
  nodes: {
    attic: { lan: ["192.168.1.10", "10.0.5.1"], tailnet: ["100.64.0.1"] },
    nas: { lan: ["192.168.1.20"], tailnet: ["100.64.0.2"] },
  },
};
const containers = { gateway: "172.30.0.1", subnets: ["172.30.0.0/16"], upstreams: ["192.168.1.1", "192.168.1.2:5353"] };
const networks = ["127.0.0.1/8", "192.168.1.10/24", "10.0.5.1/30", "100.64.0.1/32", "172.30.0.1/16"];
const known: Known = { zone: compileZone(table), table, containers, networks };
const upstreams = [{ host: "9.9.9.9", port: 53 }];
const serving = (...serve: readonly ("lan" | "tailnet")[]): Known => ({ ...known, table: { ...table, resolver: { serve, upstreams } } });
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

test("containers are answered by the host's name servers, also in a house that is a resolver", () => {
  const reply = replyTo({ name: "example.com", type: "A" }, { asked: "172.30.0.1", client: "172.30.0.9" }, serving("lan"));
  assert.deepEqual(reply.kind === "forward" && reply.upstreams, [
    { host: "192.168.1.1", port: 53 },
    { host: "192.168.1.2", port: 5353 },
  ]);
  assert.equal(kindOf("example.com", "192.168.1.10", "172.30.0.9", serving("lan")), "REFUSED");
});

test("a house that is a resolver looks names up for its LANs and its tailnet, as far as it serves them", () => {
  const from = (client: string, asked: string, what: Known) => kindOf("example.com", asked, client, what);
  assert.equal(from("192.168.1.77", "192.168.1.10", serving("lan")), "forward");
  assert.equal(from("192.168.1.77", "192.168.1.10", serving("tailnet")), "REFUSED");
  assert.equal(from("192.168.1.77", "192.168.1.10", known), "REFUSED");
  assert.equal(from("100.64.0.9", "100.64.0.1", serving("tailnet")), "forward");
  assert.equal(from("100.64.0.9", "100.64.0.1", serving("lan")), "REFUSED");
  assert.equal(from("100.64.0.9", "192.168.1.10", serving("lan", "tailnet")), "REFUSED", "not a tailnet's address");
});

test("it does so for a private network that it is in itself, not for others beyond a router, and never for the internet", () => {
  const from = (client: string) => kindOf("example.com", "192.168.1.10", client, serving("lan", "tailnet"));
  assert.equal(from("192.168.2.77"), "REFUSED");
  assert.equal(from("10.0.5.2"), "forward");
  assert.equal(from("10.0.6.2"), "REFUSED");
  assert.equal(from("127.0.0.1"), "REFUSED");
  assert.equal(from("203.0.113.7"), "stranger");
  const rented: Known = {
    ...serving("lan"),
    networks: ["203.0.113.9/24"],
    table: { ...table, nodes: { attic: { lan: ["203.0.113.9"], tailnet: [] } }, resolver: { serve: ["lan"], upstreams } },
  };
  assert.equal(kindOf("example.com", "203.0.113.9", "203.0.113.7", rented), "stranger");
});

test("a device of the LAN may ask from its provider's IPv6 address, a stranger of the internet may not", () => {
  const lan: Known = { ...known, lans: ["2001:db8:1:2::10/64"] };
  assert.equal(kindOf("app.home.internal", "fd00::10", "2001:db8:1:2::77", lan), "NOERROR");
  assert.equal(kindOf("app.home.internal", "fd00::10", "2001:db8:1:3::77", lan), "stranger");
  assert.equal(kindOf("app.home.internal", "fd00::10", "2001:db8:1:2::77"), "stranger");
});

describe("a house whose computers are in two LANs", () => {
  const askedAt = "192.168.1.10";
  const house = (nodes: Table["nodes"], order: readonly string[]): Known => {
    const two = { ...table, nodes, houseNames: [{ name: "app.home.internal", nodes: order }] };
    return { zone: compileZone(two), table: two, containers, networks: [...networks, "fd00:1::10/64", "fd00:1::d4/128"] };
  };
  const told = (known: Known, type = "A", asked = askedAt): readonly unknown[] => {
    const reply = replyTo({ name: "app.home.internal", type }, { asked, client: asked.replace(/\d+$/, "77") }, known);
    return reply.kind === "answer" ? reply.answer.answers.map(({ data }) => data) : [];
  };
  const attic = { lan: [askedAt, "fd00:1::10", "fd00:1::d4"], tailnet: ["100.64.0.1"] };
  const hut = { lan: ["10.7.0.5", "fd00:2::5"], tailnet: ["100.64.0.5"] };

  test("tells a LAN first the addresses that are in it, though the app runs elsewhere, by IPv6 too", () => {
    const known = house({ attic, hut }, ["hut", "attic"]);
    assert.deepEqual(told(known), [askedAt, "10.7.0.5"]);
    assert.deepEqual(told(known, "AAAA"), ["fd00:1::10", "fd00:2::5"]);
    assert.deepEqual(told(known, "A", "fd00:1::10"), [askedAt, "10.7.0.5"]);
    assert.deepEqual(told(known, "A", "100.64.0.1"), ["100.64.0.5", "100.64.0.1"]);
  });

  test("keeps in each LAN the node first where the app runs, whichever address of a node is asked", () => {
    const nas = { lan: ["192.168.1.20", "fd00:1::20"], tailnet: [] };
    const known = house({ attic, hut, nas }, ["hut", "nas", "attic"]);
    assert.deepEqual(told(known), ["192.168.1.20", askedAt, "10.7.0.5"]);
    assert.deepEqual(told(known, "AAAA", "fd00:1::d4"), ["fd00:1::20", "fd00:1::d4", "fd00:2::5"]);
  });

  test("tells a LAN an address in it, however many nodes elsewhere come before", () => {
    const elsewhere = Object.fromEntries(Array.from({ length: 9 }, (_, index) => [`n${index}`, { lan: [`10.7.0.${index}`], tailnet: [] }]));
    const known = house({ ...elsewhere, attic }, [...Object.keys(elsewhere), "attic"]);
    assert.deepEqual(told(known), [askedAt, "10.7.0.0", "10.7.0.1", "10.7.0.2"]);
  });
});

test("nodes of the house are not served: an upstream that asks them back would go round for ever", () => {
  for (const client of ["192.168.1.20", "192.168.1.10", "10.0.5.1"])
    assert.equal(kindOf("example.com", "192.168.1.10", client, serving("lan")), "REFUSED", client);
  assert.equal(kindOf("example.com", "100.64.0.1", "100.64.0.2", serving("tailnet")), "REFUSED");
});

test("an upstream on the LAN that asks the house back is not served, for the same reason", () => {
  const asking = { host: "192.168.1.5", port: 53 };
  const what: Known = { ...known, table: { ...table, resolver: { serve: ["lan"], upstreams: [asking] } } };
  assert.equal(kindOf("example.com", "192.168.1.10", "192.168.1.6", what), "forward");
  assert.equal(kindOf("example.com", "192.168.1.10", "192.168.1.5", what), "REFUSED");
  assert.equal(kindOf("app.home.internal", "192.168.1.10", "192.168.1.5", what), "NOERROR");
});

test("who is served is told that recursion is to be had", () => {
  const recursion = (client: string): unknown => {
    const reply = replyTo({ name: "app.home.internal", type: "A" }, { asked: "192.168.1.10", client }, serving("lan"));
    return reply.kind === "answer" && reply.recursion;
  };
  assert.deepEqual([recursion("192.168.1.77"), recursion("192.168.2.77")], [true, false]);
});

test("who comes from the internet is a stranger, whatever the question", () => {
  for (const client of ["8.8.8.8", "2001:db8::1", "::ffff:8.8.8.8", ""]) {
    assert.equal(kindOf("app.home.internal", "192.168.1.10", client), "stranger");
    assert.equal(placeOf({ asked: "192.168.1.10", client }, known), undefined);
  }
  for (const client of ["192.168.1.7", "100.64.0.9", "127.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0"])
    assert.equal(kindOf("app.home.internal", "192.168.1.10", client), "NOERROR");
});

test("without a table nothing is known, for containers either: they have other name servers to ask", () => {
  assert.equal(kindOf("example.com", "172.30.0.1", "172.30.0.9", { containers }), "SERVFAIL");
});

test("who asks the same address from the same place is told the same, so that answers can be kept", () => {
  const client = fc.constantFrom(
    ...["192.168.1.77", "192.168.1.78", "192.168.1.20", "192.168.2.1", "100.64.0.9", "100.64.0.2", "172.30.0.9", "172.30.0.1", "127.0.0.1"],
    ...["8.8.8.8", "10.0.5.2", "fe80::1%eth0", "::ffff:192.168.1.9"],
  );
  const asked = fc.constantFrom("192.168.1.10", "10.0.5.1", "100.64.0.1", "172.30.0.1", "127.0.0.1");
  const name = fc.constantFrom("app.home.internal", "nas.node.home.internal", "nobody.home.internal", "example.com");
  const worlds = fc.constantFrom<Known>(known, serving("lan"), serving("tailnet"), serving("lan", "tailnet"), { containers }, {});
  fc.assert(
    fc.property(client, client, asked, name, worlds, (one, other, where, what, world) => {
      const [first, second] = [one, other].map((each) => ({ asked: where, client: each })) as [
        { asked: string; client: string },
        { asked: string; client: string },
      ];
      const place = placeOf(first, world);
      assert.ok(place === undefined || place < 16);
      if (place !== placeOf(second, world)) return;
      const question = { name: what, type: "A" };
      assert.deepEqual(replyTo(question, first, world), replyTo(question, second, world));
    }),
    { numRuns: 2000 },
  );
});
