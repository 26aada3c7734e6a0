// What a person sees of `fossora dns`, word by word: a house that answers, and each way in which one does not.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import type { DnsReply } from "../../src/api/dns-facts.ts";
import type { NodeRecord } from "../../src/api/state.ts";
import type { DnsProbe, NameServer } from "../../src/ports.ts";
import { foundHouse, put, remove } from "../fakes/objects.ts";
import { expectOutcome, fossora, type Outcome, type RunOptions } from "../support/transcript.ts";
import { TranscriptHouse } from "../support/transcript-house.ts";
import { condition, FILES, READY_NODE, READY_ROUTE, readyService } from "../support/transcript-statuses.ts";
import { until } from "../support/until.ts";

const APP = "jellyfin.home.internal";
let house: TranscriptHouse;
let probe: ScriptedProbe;

/** Says what a healthy house would; a test changes what it wants. */
class ScriptedProbe implements DnsProbe {
  readonly asked: string[] = [];
  servers: (server: NameServer, name: string, type: string) => DnsReply | Error = (_server, name, type) =>
    type === "SOA" ? reply({ type: "SOA", data: `ns.${name}` }) : reply({ type: "A", data: "192.168.1.10" });
  found: readonly string[] | Error = ["192.168.1.10"];
  local: DnsReply | Error = reply({ type: "A", data: "192.168.1.10" });
  routes: Readonly<Record<string, readonly string[]>> | undefined = undefined;
  asks: readonly string[] = ["192.168.1.1"];
  platform = "linux";

  ask(server: NameServer, name: string, type: "A" | "AAAA" | "NS" | "SOA"): Promise<DnsReply> {
    this.asked.push(`${server.protocol} ${server.address}:${server.port} ${type} ${name}`);
    return settle(this.servers(server, name, type));
  }
  lookup(name: string): Promise<readonly string[]> {
    this.asked.push(`lookup ${name}`);
    return settle(this.found);
  }
  askLocal(name: string): Promise<DnsReply> {
    this.asked.push(`local ${name}`);
    return settle(this.local);
  }
  splitDns(): Promise<Readonly<Record<string, readonly string[]>> | undefined> {
    return Promise.resolve(this.routes);
  }
  nameServers(): readonly string[] {
    return this.asks;
  }
}

function settle<T>(value: T | Error): Promise<T> {
  return value instanceof Error ? Promise.reject(value) : Promise.resolve(value);
}

function reply(...answers: DnsReply["answers"]): DnsReply {
  return { rcode: "NOERROR", authoritative: true, answers, ms: 0.42 };
}

function announce(name: string, record: Pick<NodeRecord, "addresses" | "ports">): void {
  const versions = { fossora: "0.1.0", docker: "", dockerApi: "", etcd: "" };
  const machine = { arch: "amd64", os: "linux", cpus: 4, memoryBytes: 1, diskBytes: 1, devices: [], versions };
  put(house.etcd, keys.node(name), { nodeId: `id-${name}`, bootId: "b1", ...machine, ...record } satisfies NodeRecord);
}

before(async () => {
  house = await TranscriptHouse.start();
  await fossora({ socket: house.socket, files: FILES }, "apply", "-f", "jellyfin.yaml");
  house.setStatus("Service", "jellyfin", readyService());
  house.setStatus("Route", "jellyfin", READY_ROUTE);
  house.setStatus("DnsRecord", "jellyfin", { conditions: [condition("Ready", "True", "Ready")], fqdn: APP, answers: ["192.168.1.10"] });
});
beforeEach(async () => {
  probe = new ScriptedProbe();
  house.localNames = [{ host: "jellyfin", address: "192.168.1.10", state: "announced" }];
  house.listeners = [{ protocol: "dns", address: "192.168.1.10", port: 53 }];
  announce("nas", { addresses: { lan: ["192.168.1.10"], tailnet: [] }, ports: { http: 80, dns: 53 } });
  const known = JSON.stringify({ lan: ["192.168.1.10"], tailnet: [] });
  await until("the node is known", () => JSON.stringify(house.mirror.nodes().get("nas")?.value.addresses) === known);
});
after(() => house.close());

/** Times of this computer's own resolver are not the same twice. */
async function run(argv: readonly string[], over: Partial<RunOptions> = {}): Promise<Outcome> {
  const outcome = await fossora({ socket: house.socket, dns: probe, ...over }, "dns", ...argv);
  return { ...outcome, stdout: outcome.stdout.replace(/(✓ \S*jellyfin\.home\.internal is .*) {2}\d[\d.]* ms/, "$1  1.0 ms") };
}

test("a house that answers is said to, and the exit code is 0", async () => {
  expectOutcome(await run(["check"]), {
    stdout: `home.internal, asked for jellyfin.home.internal

servers
  ✓ nas 192.168.1.10:53 udp  jellyfin.home.internal is 192.168.1.10  0.4 ms
  ✓ nas 192.168.1.10:53 tcp  jellyfin.home.internal is 192.168.1.10  0.4 ms

this computer
  ✓ jellyfin.home.internal is 192.168.1.10  1.0 ms

local names
  ✓ jellyfin.local is 192.168.1.10  0.4 ms

All is well.
`,
  });
  assert.deepEqual(probe.asked.filter((asked) => asked.startsWith("udp")).sort(), [
    "udp 192.168.1.10:53 A jellyfin.home.internal",
    "udp 192.168.1.10:53 A ns.home.internal",
    "udp 192.168.1.10:53 SOA home.internal",
  ]);
});

test("on a terminal it is in colour, and where the locale is not UTF-8 in ASCII", async () => {
  const { stdout } = await run(["check"], { tty: true });
  assert.match(stdout, /\u001b\[1mservers\u001b\[22m\n {2}\u001b\[32m✓\u001b\[39m nas 192/);
  assert.match((await run(["check"], { env: { LANG: "C" } })).stdout, /\n {2}ok nas 192/);
});

test("a port that somebody else holds, a silent server, a resolver that does not know: each with what to do", async () => {
  house.listeners = [
    { protocol: "dns", address: "192.168.1.10", port: 5354, problem: "port 53 is held by dnsmasq (pid 812); 5354 was taken instead" },
  ];
  probe.servers = (server) =>
    server.protocol === "tcp" ? new Error("no answer within 2000 ms") : reply({ type: "SOA", data: "ns.home.internal" });
  probe.found = [];
  probe.asks = ["127.0.0.53"];
  probe.local = new Error("nobody on the LAN answered within 2000 ms");
  expectOutcome(await run(["check"]), {
    code: 1,
    stdout: `home.internal, asked for jellyfin.home.internal

servers
  ✗ nas does not have port 53, which phones, routers and tailnets ask: port 53 is held by dnsmasq (pid 812); 5354 was taken instead
      fix: free the port there; then: sudo fossora down && sudo fossora up
      → fossora describe node nas
  ✗ nas 192.168.1.10:5354 udp  it knows no name server of home.internal
      fix: no computer of the house holds port 53
      → fossora status
  ✗ nas 192.168.1.10:5354 tcp  no answer within 2000 ms
      fix: is nas on, and does its firewall let port 5354/tcp through?
      → sudo fossora up --open-firewall

this computer
  ✗ jellyfin.home.internal: it finds no such name; it asks 127.0.0.53
      fix: let it, or whom it asks, ask the house for home.internal
      → fossora dns setup resolved

local names
  ! jellyfin.local: nobody on the LAN answered within 2000 ms
      fix: a firewall keeps out UDP 5353, or the network keeps its devices apart (guest Wi-Fi)
      → sudo fossora up --open-firewall

4 problems, 1 warning.
`,
  });
});

test("two computers: one that is down is named, and the tailnet is asked from inside of it alone", async () => {
  announce("nas", { addresses: { lan: ["192.168.1.10"], tailnet: ["100.64.0.1"] }, ports: { http: 80, dns: 53 } });
  announce("nuc", { addresses: { lan: ["192.168.1.12"], tailnet: ["100.64.0.2"] }, ports: { http: 80, dns: 5354 } });
  await until(
    "both are known",
    () => house.mirror.nodes().size === 2 && house.mirror.nodes().get("nas")?.value.addresses.tailnet.length === 1,
  );
  const healthy = probe.servers;
  probe.servers = (server, name, type) =>
    server.address.endsWith(".12") ? new Error("connect EHOSTUNREACH") : healthy(server, name, type);
  probe.routes = { "home.internal": ["100.64.0.1"] };
  const { code, stdout } = await run(["check", "jellyfin"]);
  assert.equal(code, 1);
  assert.match(stdout, /\n {2}! nuc does not have port 53, .*: it answers on port 5354\n {6}fix: .*\n {6}→ fossora describe node nuc\n/);
  assert.match(stdout, /\n {2}✗ nuc 192\.168\.1\.12:5354 udp {2}connect EHOSTUNREACH\n.*\n {6}→ fossora describe node nuc\n/);
  assert.match(stdout, /\n {2}✓ nas 100\.64\.0\.1:53 udp /);
  assert.match(stdout, /\ntailnet\n {2}✓ home\.internal is asked of 100\.64\.0\.1\n/);
  remove(house.etcd, keys.node("nuc"));
  await until("it is gone", () => house.mirror.nodes().size === 1);
});

test("where each computer has IPv6 its servers are asked by it, and for it", async () => {
  announce("nas", { addresses: { lan: ["192.168.1.10", "fd00::10", "2001:db8::10"], tailnet: [] }, ports: { http: 80, dns: 53 } });
  await until("it is known", () => house.mirror.nodes().get("nas")?.value.addresses.lan.length === 3);
  const healthy = probe.servers;
  probe.servers = (server, name, type) => (type === "AAAA" ? reply({ type, data: "fd00::10" }) : healthy(server, name, type));
  const { code, stdout } = await run(["check"]);
  assert.equal(code, 0);
  assert.match(stdout, /\n {2}✓ nas \[fd00::10\]:53 tcp {2}jellyfin\.home\.internal is 192\.168\.1\.10, fd00::10 /);
  assert.ok(!probe.asked.some((asked) => asked.includes("2001:db8::10")), "nobody answers there");
  probe.servers = (server, name, type) => (type === "AAAA" ? reply() : healthy(server, name, type));
  const without = await run(["check"]);
  assert.equal(without.code, 1);
  assert.match(without.stdout, /✗ nas 192\.168\.1\.10:53 udp {2}it has no IPv6 address for jellyfin\.home\.internal/);
});

test("a node's own words on who has its port are passed on, with the commands that give it back", async () => {
  const message =
    "port 53 is held by unbound (pid 7); 5354 was taken instead. Nobody asks there: sudo systemctl stop unbound; then: sudo fossora down && sudo fossora up";
  house.setStatus("Membership", "nas", {
    ...READY_NODE,
    conditions: [...READY_NODE.conditions, condition("DnsPortHeld", "False", "PortBusy", message)],
  });
  house.listeners = [
    { protocol: "dns", address: "192.168.1.10", port: 5354, problem: "port 53 is held by unbound (pid 7); 5354 was taken instead" },
  ];
  const { stdout } = await run(["check"]);
  assert.match(
    stdout,
    /\n {2}! nas does not have port 53, .*: port 53 is held by unbound \(pid 7\); 5354 was taken instead\n {6}fix: sudo systemctl stop unbound; then: sudo fossora down && sudo fossora up\n/,
  );
  house.setStatus("Membership", "nas", READY_NODE);
});

test("a house that resolves everything is asked for another's name too", async () => {
  await fossora(
    {
      socket: house.socket,
      files: {
        "house.yaml":
          "apiVersion: fossora.dev/v1\nkind: House\nmetadata: { name: house }\nspec: { zone: home.internal, resolver: { serve: [lan], upstream: 9.9.9.9 } }\n",
      },
    },
    "apply",
    "-f",
    "house.yaml",
    "--force",
  );
  assert.equal((await run(["check"])).code, 0);
  assert.ok(probe.asked.includes("udp 192.168.1.10:53 A example.com"));
  const healthy = probe.servers;
  probe.servers = (server, name, type) => (name === "example.com" ? { ...reply(), rcode: "SERVFAIL" } : healthy(server, name, type));
  const { code, stdout } = await run(["check"]);
  assert.equal(code, 1);
  assert.match(
    stdout,
    /\n {2}✗ nas 192\.168\.1\.10:53 udp {2}it finds nothing outside of home\.internal: SERVFAIL\n.*\n {6}→ fossora describe house house\n/,
  );
  assert.match(
    (await run(["setup", "router"])).stdout,
    /\n {2}The house is the resolver of the LAN: in the router's DHCP settings name 192\.168\.1\.10 as DNS server, and no other\.\n/,
  );
  announce("nas", { addresses: { lan: ["192.168.1.10", "fd00::10"], tailnet: [] }, ports: { dns: 53 } });
  await until("it has IPv6", () => house.mirror.nodes().get("nas")?.value.addresses.lan.length === 2);
  assert.match((await run(["setup", "router"])).stdout, /\n {2}The same for IPv6 \(DHCPv6, .*\): fd00::10, and no other\.\n/);
  foundHouse(house.etcd);
  await until("it no longer is", () => house.mirror.desired("House", "house")?.spec.resolver === undefined);
});

test("-o json has every finding, and the exit code stays", async () => {
  probe.found = ["10.1.1.1"];
  const { code, stdout } = await run(["check", "-o", "json"]);
  const report = JSON.parse(stdout) as {
    readonly problems: number;
    readonly findings: readonly { readonly group: string; readonly text: string }[];
  }; // the form that it documents
  assert.equal(code, 1);
  assert.equal(report.problems, 1);
  assert.deepEqual(
    report.findings.filter(({ group }) => group === "this computer").map(({ text }) => text),
    ["jellyfin.home.internal leads to 10.1.1.1, which is no computer of this house"],
  );
});

test("an app that is not ready, and a place that is none, are refused", async () => {
  expectOutcome(await run(["check", "nobody"]), {
    code: 4,
    stderr: 'error: Cannot check "nobody": no app of that name is ready.\nnext:  fossora get dnsrecords\n',
  });
  const { code, stderr } = await run(["setup", "fritzbox"]);
  assert.equal(code, 2);
  assert.match(stderr, /Allowed choices are tailscale, router, pihole, adguard, resolved, macos\.\nnext: {2}fossora dns --help\n$/);
});

test("without a node it asks whom it is told, or whom the resolver finds, and else says what to type", async () => {
  const socket = "/nowhere/fossora.sock";
  const told = await run(["check", "jellyfin", "--server", "192.168.1.10"], { socket });
  assert.equal(told.code, 0);
  assert.match(told.stdout, /^home\.internal, asked for jellyfin\.home\.internal\n\nservers\n {2}✓ server 192\.168\.1\.10:53 udp /);
  const found = await run(["check"], { socket });
  assert.deepEqual(
    [found.code, found.stdout.startsWith("home.internal\n\nservers\n  ✓ server 192.168.1.10:53 udp  it answers for the zone")],
    [0, true],
  );
  probe.found = [];
  expectOutcome(await run(["check"], { socket }), {
    code: 7,
    stderr:
      "error: Cannot reach the node at /nowhere/fossora.sock: Fossora does not run on this computer. And nobody that this computer asks knows ns.home.internal.\nnext:  fossora dns check --server 192.168.1.10, with the address of a computer of the house\n",
  });
});

test("without a node all that it names and tells to type is there, whatever is wrong", async () => {
  const over = { socket: "/nowhere/fossora.sock" };
  const check = (...more: readonly string[]): Promise<Outcome> => run(["check", "jellyfin", "--server", "192.168.1.10", ...more], over);
  const healthy = probe.servers;
  probe.servers = (server, name, type) => (server.protocol === "tcp" ? new Error("no answer within 2000 ms") : healthy(server, name, type));
  probe.local = new Error("nobody on the LAN answered within 2000 ms");
  const { code, stdout } = await check();
  assert.equal(code, 1);
  assert.match(
    stdout,
    /\n {2}✗ server 192\.168\.1\.10:53 tcp {2}no answer .*\n {6}fix: is 192\.168\.1\.10 on, .*\n {6}→ there: sudo fossora up --open-firewall\n/,
  );
  assert.match(stdout, /\n {2}! jellyfin\.local: .*\n {6}fix: .*\n {6}→ on the house's computers: sudo fossora up --open-firewall\n/);
  const wrong = [
    { ...reply(), rcode: "SERVFAIL" },
    { ...reply(), rcode: "REFUSED" },
    reply({ type: "SOA", data: "a.root-servers.net" }),
    reply({ type: "SOA", data: "ns.home.internal" }),
  ];
  for (const each of wrong) {
    probe.servers = () => each;
    assert.match(
      (await check()).stdout,
      /\n {2}✗ server 192\.168\.1\.10:53 udp .*\n {6}fix: .*\n {6}→ there: fossora (status|get house)\n/,
    );
  }
  probe.servers = (server, name, type) => (name === APP ? reply() : healthy(server, name, type));
  assert.match(
    (await check()).stdout,
    /it has no address for jellyfin\.home\.internal \(NOERROR\)\n {6}→ there: fossora describe dnsrecord jellyfin\n/,
  );
  probe.servers = healthy;
  probe.routes = { "home.internal": [] };
  probe.found = [];
  const lost = await check("--server", "[fd00::1]:5354", "--zone", "my.internal");
  assert.match(lost.stdout, /\n {6}→ fossora dns setup router --server 192\.168\.1\.10 --server \[fd00::1\]:5354 --zone my\.internal\n/);
  assert.match(lost.stdout, /\n {6}→ on the house's computers: fossora dns setup tailscale\n/);
  const other = await run(["check", "--server", "192.168.1.10:5354"], over);
  assert.match(
    other.stdout,
    /\n {2}✗ 192\.168\.1\.10 does not have port 53, .*: it answers on port 5354\n {6}fix: .*\n {6}→ there: fossora dns check\n/,
  );
});

test("setup prints what to do in each place, with the addresses of now", async () => {
  announce("nas", { addresses: { lan: ["192.168.1.10", "fd00::10"], tailnet: ["100.64.0.1"] }, ports: { dns: 53 } });
  await until("it is known", () => house.mirror.nodes().get("nas")?.value.addresses.lan.length === 2);
  expectOutcome(await run(["setup"]), {
    stdout: String.raw`Names below home.internal are answered by: nas 192.168.1.10 fd00::10 100.64.0.1

Tailscale: every device of the tailnet, at home and away
  https://login.tailscale.com/admin/dns → Nameservers → Add nameserver → Custom
    Nameserver 100.64.0.1   Restrict to domain: home.internal
  Headscale, in its config.yaml:  dns: { nameservers: { split: { home.internal: [100.64.0.1] } } }

Router: every device at home
  Let it send home.internal to 192.168.1.10 ("conditional forwarding", "domain override"), and let it accept private addresses
  in answers for home.internal ("DNS rebind protection": an exception).
  OpenWrt:
    uci add_list dhcp.@dnsmasq[0].server='/home.internal/192.168.1.10'
    uci add_list dhcp.@dnsmasq[0].rebind_domain='home.internal'; uci commit dhcp; /etc/init.d/dnsmasq restart
  OPNsense, pfSense: Services → Unbound or DNS Resolver → Domain Overrides: home.internal to 192.168.1.10
  A router that can do neither: fossora explain house.spec.resolver makes the house the name server of the whole LAN.

Pi-hole
  Version 6: Settings → All settings → Miscellaneous → misc.dnsmasq_lines. Version 5: a file /etc/dnsmasq.d/90-fossora.conf.
  server=/home.internal/192.168.1.10
  server=/home.internal/fd00::10
  rebind-domain-ok=/home.internal/

AdGuard Home
  Settings → DNS settings → Upstream DNS servers, a line of its own:
  [/home.internal/]192.168.1.10 fd00::10

systemd-resolved: one Linux computer
  sudo mkdir -p /etc/systemd/resolved.conf.d
  printf '[Resolve]\nDNS=192.168.1.10 fd00::10\nDomains=~home.internal\n' | sudo tee /etc/systemd/resolved.conf.d/fossora.conf
  sudo systemctl restart systemd-resolved
  resolvectl query jellyfin.home.internal

macOS: one Mac
  sudo mkdir -p /etc/resolver
  printf 'nameserver 192.168.1.10\nnameserver fd00::10\n' | sudo tee /etc/resolver/home.internal
  dscacheutil -q host -a name jellyfin.home.internal

Then try: fossora dns check
`,
  });
});

test("setup of one place, where no computer has port 53", async () => {
  house.listeners = [{ protocol: "dns", address: "192.168.1.10", port: 5354, problem: "dnsmasq has port 53" }];
  const head = `Names below home.internal are answered by: nas 192.168.1.10, port 5354
! None of them has port 53, which routers, phones and tailnets ask: fossora dns check says who has it
`;
  expectOutcome(await run(["setup", "pihole"]), {
    stdout: `${head}
Pi-hole
  Version 6: Settings → All settings → Miscellaneous → misc.dnsmasq_lines. Version 5: a file /etc/dnsmasq.d/90-fossora.conf.
  server=/home.internal/192.168.1.10#5354
  rebind-domain-ok=/home.internal/

Then try: fossora dns check
`,
  });
  assert.match((await run(["setup", "adguard"])).stdout, /\n {2}\[\/home\.internal\/\]192\.168\.1\.10:5354\n/);
  assert.match((await run(["setup", "resolved"])).stdout, /DNS=192\.168\.1\.10:5354\\n/);
  assert.match((await run(["setup", "macos"])).stdout, /nameserver 192\.168\.1\.10\\nport 5354\\n/);
  assert.match((await run(["setup", "router"])).stdout, /No computer of the house has an address on a LAN and port 53 there\./);
  assert.match((await run(["setup", "tailscale"])).stdout, /No computer of the house is in a tailnet and has port 53\./);
});
