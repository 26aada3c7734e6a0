import assert from "node:assert/strict";
import { test } from "node:test";
import type { HttpRoute, NodeAddresses, StreamRoute } from "../api/table.ts";
import { announcerOf, localHosts, planMdns, rememberMembers, type LinkWish } from "./mdns-plan.ts";

const route = (host: string): HttpRoute => ({ name: host, host, path: "/", backends: [], holdMs: 0, forwardedHeaders: "standard" });
const at = (id: string, ...lan: readonly string[]): NodeAddresses => ({ id, lan, tailnet: [] });
const holding = (id: string, httpPort: number, address: string, announces: readonly string[] = [address]): NodeAddresses => ({
  ...at(id, address),
  httpPort,
  announces,
});
const announced = (wishes: ReadonlyMap<string, LinkWish>): readonly string[] =>
  [...wishes].flatMap(([network, { hosts }]) => (hosts.length > 0 ? [network] : []));
const nodes = { attic: at("b", "192.168.1.10", "10.0.0.10"), cellar: at("a", "192.168.1.11"), office: at("c", "10.0.0.12") };
const stream = (host?: string): StreamRoute => ({
  name: "x",
  protocol: "tcp",
  port: 443,
  ...(host !== undefined && { host }),
  backends: [],
  idleTimeoutMs: 0,
});
const table = { node: "attic", nodes, http: [route("jellyfin"), route("immich")], streams: [] };
const links = [
  { address: "192.168.1.10", network: "192.168.1.0/24", interface: "eth0", ipv6: ["fe80::1/64", "fd00::10/64", "fd00::77/64"] },
  { address: "10.0.0.10", network: "10.0.0.0/24", interface: "eth1", ipv6: ["2001:db8::10/64"] },
];
const settings = { addresses: ["192.168.1.10", "10.0.0.10"] };
const members = rememberMembers(new Map(), table);

test("single labels are announced, and `.local` names; full names and the computers' own are not", () => {
  const http = ["jellyfin", "immich", "immich", "printer.local", "attic", "shop.example.com", "deep.printer.local", "*.x"].map(route);
  assert.deepEqual(localHosts({ nodes, http, streams: [stream(), stream("vault")] }), ["immich", "jellyfin", "printer", "vault"]);
});

test("on each segment the lowest live id announces; a node without an id counts by its name", () => {
  assert.equal(announcerOf({ nodes }, "192.168.1.0/24", "b"), "a");
  assert.equal(announcerOf({ nodes }, "10.0.0.0/24", "b"), "b");
  assert.equal(announcerOf({ nodes: { attic: { lan: ["10.0.0.10"], tailnet: [] } } }, "10.0.0.0/24", "attic"), "attic");
  const wishes = planMdns({ table, settings, links, members });
  assert.deepEqual(announced(wishes), ["10.0.0.0/24"]);
  assert.deepEqual([...wishes.keys()], ["192.168.1.0/24", "10.0.0.0/24"], "who does not speak there holds its socket");
  const alone = { ...table, nodes: { attic: nodes.attic, office: nodes.office } };
  assert.deepEqual(announced(planMdns({ table: alone, settings, links, members })), ["192.168.1.0/24", "10.0.0.0/24"]);
});

test("exactly one of the nodes that see each other announces on a segment", () => {
  const announcing = Object.entries(nodes).filter(([node, { lan }]) => {
    const own = lan.map((address) => ({
      address,
      network: `${address.split(".").slice(0, 3).join(".")}.0/24`,
      interface: "eth0",
      ipv6: [],
    }));
    const wishes = planMdns({ table: { ...table, node }, settings: { addresses: lan }, links: own, members });
    return announced(wishes).includes("10.0.0.0/24");
  });
  assert.deepEqual(
    announcing.map(([node]) => node),
    ["attic"],
  );
});

test("who holds port 80 announces before others, and who cannot announce leaves it to those that can", () => {
  const network = "192.168.1.0/24";
  const chosen = (...nodes: readonly NodeAddresses[]): readonly string[] => [
    ...new Set(
      nodes.map(({ id = "" }) =>
        announcerOf({ nodes: Object.fromEntries(nodes.map((each) => [each.id ?? "", each] as const)) }, network, id),
      ),
    ),
  ];
  const [nas, pi, nuc] = [holding("a", 8080, "192.168.1.10"), holding("b", 80, "192.168.1.11"), holding("c", 80, "192.168.1.12")];
  assert.deepEqual(chosen(nas, pi, nuc), ["b"]);
  assert.deepEqual(chosen(nas, { ...pi, announces: [] }), ["a"], "a page at a port is better than no name");
  assert.deepEqual(chosen({ ...nas, httpPort: 80, announces: ["10.0.0.10"] }, pi), ["b"], "it announces elsewhere alone");
  assert.deepEqual(chosen({ ...pi, announces: [] }, { ...nuc, announces: [] }), ["b"]);
  assert.deepEqual(chosen(nas, pi, at("c", "192.168.1.12")), ["a"], "an earlier release goes by ids alone");
  const { httpPort, ...starting } = { ...nas, announces: [] };
  assert.deepEqual([httpPort, ...chosen(starting, pi)], [8080, "b"]);
});

test("of two that announce, as where one does not hear the house, who holds port 80 keeps the name", () => {
  const known = { ...table, nodes: { attic: holding("b", 80, "192.168.1.10"), cellar: holding("a", 8080, "192.168.1.11") } };
  const remembered = rememberMembers(new Map(), known);
  assert.deepEqual(
    [...(planMdns({ table: known, settings, links, members: remembered }).get("192.168.1.0/24")?.members ?? [])],
    [["192.168.1.11", "higher"]],
  );
});

test("who was a member is known as one after its agent fell silent", () => {
  const alone = { ...table, nodes: { attic: nodes.attic } };
  const wish = planMdns({ table: alone, settings, links, members: rememberMembers(members, alone) }).get("192.168.1.0/24");
  assert.deepEqual([...(wish?.members ?? [])], [["192.168.1.11", "lower"]]);
  assert.deepEqual(wish?.hosts, ["immich", "jellyfin"]);
  const moved = rememberMembers(members, { nodes: { cellar: at("z", "192.168.1.11") } });
  assert.equal(moved.get("192.168.1.11")?.id, "z");
  assert.equal(rememberMembers(new Map(Array.from({ length: 300 }, (_, index) => [`${index}`, { id: "x" }])), { nodes }).size, 256);
});

test("by IPv6 a name leads to what the node tells of the same interface, and other nodes are known by all their addresses", () => {
  const nodesWithIpv6 = {
    attic: at("b", "192.168.1.10", "10.0.0.10", "fd00::10", "2001:db8::10"),
    office: at("c", "10.0.0.12", "2001:db8::12"),
  };
  const alone = { ...table, nodes: nodesWithIpv6 };
  const wishes = planMdns({
    table: alone,
    settings: { addresses: nodesWithIpv6.attic.lan },
    links,
    members: rememberMembers(new Map(), alone),
  });
  assert.deepEqual(
    [...wishes.values()].map((wish) => [wish.address, wish.byIpv6.interface, wish.ipv6, [...wish.members.keys()]]),
    [
      ["192.168.1.10", "eth0", ["fd00::10"], []],
      ["10.0.0.10", "eth1", ["2001:db8::10"], ["10.0.0.12", "2001:db8::12"]],
    ],
  );
});

test("of two addresses in one network the first speaks; one that is not there yet does not", () => {
  const twice = [...links, { address: "192.168.1.20", network: "192.168.1.0/24", interface: "eth0", ipv6: [] }];
  const alone = { ...table, nodes: { attic: nodes.attic } };
  const addresses = ["192.168.1.20", "192.168.1.10", "172.20.0.1"];
  const wishes = planMdns({ table: alone, settings: { addresses }, links: twice, members });
  assert.deepEqual(
    [...wishes].map(([network, { address }]) => [network, address]),
    [["192.168.1.0/24", "192.168.1.20"]],
  );
});

test("without a table, or where it is switched off, nothing is announced", () => {
  assert.equal(planMdns({ table: undefined, settings, links, members }).size, 0);
  assert.equal(planMdns({ table, settings: undefined, links, members }).size, 0);
});

test("what the house has on other networks is known on each: this node's and other members' addresses", () => {
  const wishes = planMdns({ table, settings: { addresses: [...settings.addresses, "fd00::10", "2001:db8::10"] }, links, members });
  const elsewhere = (network: string): readonly string[] => (wishes.get(network)?.elsewhere ?? []).toSorted();
  assert.deepEqual(elsewhere("192.168.1.0/24"), ["10.0.0.10", "10.0.0.12", "2001:db8::10"]);
  assert.deepEqual(elsewhere("10.0.0.0/24"), ["192.168.1.10", "192.168.1.11", "fd00::10"]);
});
