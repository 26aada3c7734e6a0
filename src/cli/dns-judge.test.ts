import assert from "node:assert/strict";
import { test } from "node:test";
import type { DnsFacts, DnsReply } from "../api/dns-facts.ts";
import { judgeLocal, judgePorts, judgeResolver, judgeServer, judgeTailnet, type ServerAnswers } from "./dns-judge.ts";

const facts: DnsFacts = {
  kind: "DnsFacts",
  zone: "home.internal",
  node: "nas",
  nodes: [
    { name: "nas", lan: ["192.168.1.10"], tailnet: ["100.64.0.1"], port: 53 },
    { name: "nuc", lan: ["192.168.1.12"], tailnet: ["100.64.0.2"], port: 53 },
  ],
  resolves: [],
  apps: [],
  localNames: [],
};
const app = { name: "app", fqdn: "app.home.internal", addresses: ["192.168.1.10"] };
const asks = { nameServers: ["192.168.1.1"], platform: "linux" };
const said = (over: Partial<DnsReply> = {}): { readonly reply: DnsReply } => ({
  reply: { rcode: "NOERROR", authoritative: true, answers: [], ms: 1, ...over },
});
const soa = said({ answers: [{ type: "SOA", data: "ns.home.internal" }] });
const address = said({ answers: [{ type: "A", data: "192.168.1.10" }] });
const judged = (over: Partial<ServerAnswers>): readonly [string, string] => {
  const server = { address: "192.168.1.10", port: 53, protocol: "udp" } as const;
  const { mark, text } = judgeServer(facts, app, {
    node: "nas",
    server,
    soa,
    ns: address,
    app: address,
    ipv6: undefined,
    outside: undefined,
    ...over,
  });
  return [mark, text.replace(/^nas \S+ udp {2}/, "")];
};

test("a server is right when it is the zone's own, knows a way in and the app", () => {
  assert.deepEqual(judged({}), ["ok", "app.home.internal is 192.168.1.10"]);
  assert.deepEqual(judged({ soa: said({ answers: soa.reply.answers, ms: 300 }) }), [
    "warn",
    "app.home.internal is 192.168.1.10, but slowly",
  ]);
});

test("a node without port 53 is wrong where nobody has it and no name is found, and else worth a word", () => {
  const [nas, nuc] = facts.nodes;
  assert.ok(nas && nuc);
  const problem = "port 53 is held by pihole-FTL (pid 7); 5354 was taken instead. Nobody asks there: let it";
  const marks = (nodes: DnsFacts["nodes"], isFound = false): readonly string[] =>
    judgePorts({ ...facts, nodes }, isFound).map(({ mark }) => mark);
  const without = { ...nas, port: 5354, problem };
  assert.deepEqual(marks([without, { ...nuc, port: 5354 }]), ["error", "error"]);
  assert.deepEqual(marks([without, nuc]), ["warn"], "who asks finds the other one");
  assert.deepEqual(marks([without], true), ["warn"], "Pi-hole, which has it, asks the house");
  assert.deepEqual(marks([nas, nuc]), []);
  assert.equal(judgePorts({ ...facts, nodes: [without] }, false)[0]?.fix, "let it");
});

test("each wrong answer has its own words", () => {
  assert.match(judged({ soa: { error: "no answer within 2000 ms" } })[1], /no answer within/);
  assert.match(judged({ soa: said({ rcode: "SERVFAIL" }) })[1], /does not know the house yet/);
  assert.match(judged({ soa: said({ rcode: "REFUSED" }) })[1], /refuses/);
  assert.match(judged({ soa: said({ rcode: "NXDOMAIN", authoritative: false }) })[1], /somebody else answers there \(NXDOMAIN\)/);
  assert.match(
    judged({ soa: said({ answers: [{ type: "SOA", data: "a.root-servers.net" }] }) })[1],
    /somebody else answers there \(NOERROR, a\.root/,
  );
  assert.match(judged({ soa: said({ answers: soa.reply.answers, authoritative: false }) })[1], /somebody else/);
  assert.match(judged({ ns: said() })[1], /knows no name server/);
  assert.match(judged({ app: said({ rcode: "NXDOMAIN" }) })[1], /no address for app\.home\.internal \(NXDOMAIN\)/);
  assert.match(judged({ outside: said({ rcode: "SERVFAIL" }) })[1], /finds nothing outside of home\.internal: SERVFAIL/);
  assert.match(judged({ outside: { error: "no answer" } })[1], /outside of home\.internal: no answer/);
  assert.match(judged({ app: { error: "it hung up" } })[1], /app\.home\.internal: it hung up/);
});

test("whatever is wrong with a server, it is named", () => {
  const server = { address: "192.168.1.12", port: 53, protocol: "tcp" } as const;
  const right = { node: "nuc", server, soa, ns: address, app: address, ipv6: undefined, outside: undefined };
  const wrong = [
    {},
    { soa: said({ rcode: "SERVFAIL" }) },
    { soa: said({ rcode: "REFUSED" }) },
    { soa: said() },
    { ns: said() },
    { app: said() },
  ];
  for (const over of wrong) assert.match(judgeServer(facts, app, { ...right, ...over }).text, /^nuc 192\.168\.1\.12:53 tcp {2}\S/);
});

test("by IPv6 an app must be a computer of the house, and be there where each of them is", () => {
  const nodes = facts.nodes.map((node, index) => ({ ...node, lan: [...node.lan, `fd00::${index + 1}`] }));
  const server = { address: "fd00::1", port: 53, protocol: "udp" } as const;
  const text = (ipv6: ServerAnswers["ipv6"]): string =>
    judgeServer({ ...facts, nodes }, app, { node: "nas", server, soa, ns: address, app: address, ipv6, outside: undefined }).text;
  const is = (data: string): ServerAnswers["ipv6"] => said({ answers: [{ type: "AAAA", data }] });
  assert.equal(text(is("fd00::2")), "nas [fd00::1]:53 udp  app.home.internal is 192.168.1.10, fd00::2");
  assert.match(text(is("2001:db8::9")), /app\.home\.internal is 2001:db8::9, which is no computer of this house/);
  assert.match(text(said()), /it has no IPv6 address for app\.home\.internal, though each computer of the house has one \(NOERROR\)/);
  assert.match(text({ error: "no answer" }), /app\.home\.internal by IPv6: no answer/);
});

test("what this computer's resolver finds must be of the house; where it asks says where to mend it", () => {
  const next = (nameServers: readonly string[], platform = "linux"): string | undefined =>
    judgeResolver(facts, app.fqdn, { reply: { addresses: [], ms: 1 } }, { nameServers, platform }).next;
  assert.deepEqual(
    [next(["127.0.0.53"]), next(["100.100.100.100"]), next(["192.168.1.1"]), next([], "darwin")],
    ["resolved", "tailscale", "router", "macos"].map((word) => `fossora dns setup ${word}`),
  );
  const mark = (addresses: readonly string[]): string => judgeResolver(facts, app.fqdn, { reply: { addresses, ms: 1 } }, asks).mark;
  assert.deepEqual([mark(["100.64.0.2"]), mark(["127.0.0.1"]), mark(["192.168.1.10", "9.9.9.9"])], ["ok", "ok", "error"]);
  assert.equal(judgeResolver(facts, app.fqdn, { error: "no answer within 5000 ms" }, asks).mark, "error");
});

test("split DNS is right when all it asks are computers of the house, and best when it asks them all", () => {
  const mark = (servers: readonly string[] | undefined): string | undefined =>
    judgeTailnet(facts, servers && { "home.internal": servers })[0]?.mark;
  assert.deepEqual(
    [mark(["100.64.0.1", "100.64.0.2"]), mark(["100.64.0.1"]), mark(["100.64.0.9"]), mark([]), mark(undefined)],
    ["ok", "warn", "error", "warn", undefined],
  );
});

test("a local name that another device has, or that is not announced, is a warning", () => {
  assert.equal(judgeLocal(facts, "app.local", said({ answers: [{ type: "A", data: "192.168.1.77" }] }))[0]?.mark, "warn");
  const yielded = {
    ...facts,
    localNames: [{ host: "app", address: "192.168.1.10", state: "silent", problem: "192.168.1.77 has that name already" }],
  } as const;
  assert.deepEqual(
    judgeLocal(yielded, "app.local", undefined).map(({ text }) => text),
    ["app.local is not announced: 192.168.1.77 has that name already"],
  );
  assert.deepEqual(judgeLocal(facts, "app.local", undefined), []);
});
