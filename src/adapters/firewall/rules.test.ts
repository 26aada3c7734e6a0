import assert from "node:assert/strict";
import { test } from "node:test";
import { closeNftables, findFirewall, shellWords } from "./rules.ts";

const house = [
  { port: 733, protocol: "tcp" },
  { port: 733, protocol: "udp" },
  { port: 2380, protocol: "tcp" },
] as const;
const ports = { http: 80, dns: 53, mdns: true, house, routes: [], bridge: "fossora" };
const chain = (policy: string, hook = "input") => ({
  chain: { family: "inet", table: "filter", name: "input", handle: 1, type: "filter", hook, prio: 0, policy },
});
const rule = (comment: string, handle = 7) => ({
  rule: { family: "inet", table: "filter", chain: "input", handle, comment, expr: [] },
});
const nft = (...objects: readonly object[]): string => JSON.stringify({ nftables: [{ metainfo: {} }, ...objects] });

test("a machine without a firewall needs nothing", () => {
  assert.equal(findFirewall({}, ports), undefined);
  assert.equal(findFirewall({ ufw: "Status: inactive\n", nft: nft(chain("accept"), chain("drop", "forward")) }, ports), undefined);
  assert.equal(findFirewall({ nft: "Operation not permitted" }, ports), undefined);
});

test("an active ufw is opened for names, pages, other computers and the apps' bridge, and closed again", () => {
  const firewall = findFirewall({ ufw: "Status: active\n\nTo  Action  From\n" }, ports);
  assert.deepEqual(firewall?.open.map(shellWords), [
    "ufw allow 80/tcp comment fossora",
    "ufw allow 53 comment fossora",
    "ufw allow 733/tcp comment fossora",
    "ufw allow 733/udp comment fossora",
    "ufw allow 2380/tcp comment fossora",
    "ufw allow in on fossora+ comment fossora",
  ]);
  assert.deepEqual(firewall?.close.map(shellWords), [
    "ufw delete allow 80/tcp",
    "ufw delete allow 53",
    "ufw delete allow 733/tcp",
    "ufw delete allow 733/udp",
    "ufw delete allow 2380/tcp",
    "ufw delete allow in on fossora+",
  ]);
});

test("a rule of the person's own in ufw is neither added nor taken back", () => {
  const status = `Status: active

To                         Action      From
--                         ------      ----
80/tcp                     ALLOW       Anywhere
733/tcp                    ALLOW       Anywhere
733/udp                    ALLOW       Anywhere
2380/tcp                   ALLOW       Anywhere
530                        ALLOW       Anywhere
53                         DENY        Anywhere
Anywhere on fossora+       ALLOW       Anywhere                   # fossora
80/tcp (v6)                ALLOW       Anywhere (v6)
`;
  const firewall = findFirewall({ ufw: status }, ports);
  assert.deepEqual(firewall?.open.map(shellWords), ["ufw allow 53 comment fossora"]);
  assert.deepEqual(firewall?.close.map(shellWords), ["ufw delete allow 53"]);
});

test("firewalld is asked to reload last, for what is not open yet", () => {
  const firewall = findFirewall({ firewalld: "53/udp 22/tcp\n", trusted: "\n" }, { ...ports, http: 8080 });
  assert.deepEqual(firewall?.open.map(shellWords), [
    "firewall-cmd --permanent --add-port=8080/tcp",
    "firewall-cmd --permanent --add-port=53/tcp",
    "firewall-cmd --permanent --add-port=5353/udp",
    "firewall-cmd --permanent --add-port=733/tcp",
    "firewall-cmd --permanent --add-port=733/udp",
    "firewall-cmd --permanent --add-port=2380/tcp",
    "firewall-cmd --permanent --zone=trusted --add-interface=fossora",
    "firewall-cmd --reload",
  ]);
  assert.ok(firewall?.close.some((words) => words.includes("--remove-interface=fossora")));
  const open = { firewalld: "53/udp 53/tcp 80/tcp 733/tcp 733/udp 2380/tcp\n", trusted: "fossora\n" };
  assert.deepEqual(findFirewall(open, { ...ports, mdns: false })?.open, []);
  assert.equal(findFirewall(open, ports)?.open.length, 2);
});

test("a dropping nft chain gets rules that say for which ports, and are found again", () => {
  const firewall = findFirewall({ nft: nft(chain("drop")) }, ports);
  assert.deepEqual(firewall?.open.map(shellWords), [
    "nft insert rule inet filter input tcp dport 80 accept comment fossora-80-53-5353-733-2380",
    "nft insert rule inet filter input tcp dport 53 accept comment fossora-80-53-5353-733-2380",
    "nft insert rule inet filter input udp dport 53 accept comment fossora-80-53-5353-733-2380",
    "nft insert rule inet filter input udp dport 5353 accept comment fossora-80-53-5353-733-2380",
    "nft insert rule inet filter input tcp dport 733 accept comment fossora-80-53-5353-733-2380",
    "nft insert rule inet filter input udp dport 733 accept comment fossora-80-53-5353-733-2380",
    "nft insert rule inet filter input tcp dport 2380 accept comment fossora-80-53-5353-733-2380",
    "nft insert rule inet filter input iifname 'fossora*' accept comment fossora-80-53-5353-733-2380",
  ]);
  assert.equal(firewall?.lasting, false);
  const opened = nft(chain("drop"), rule("fossora-80-53-5353-733-2380"), rule("my own", 8));
  assert.deepEqual(findFirewall({ nft: opened }, ports)?.open, []);
  assert.equal(findFirewall({ nft: opened }, { ...ports, http: 8080 })?.open.length, 8);
  assert.equal(findFirewall({ nft: nft(chain("drop")) }, { ...ports, mdns: false })?.open.length, 7);
  assert.deepEqual(closeNftables(opened), [["nft", "delete", "rule", "inet", "filter", "input", "handle", "7"]]);
});

const routes = [1883, 5002, 5000, 5001, 5001].map((port) => ({ port, protocol: "udp" as const }));

test("raw ports of Routes are opened, too, as ranges where the firewall knows them", () => {
  const only = (program: string, firewall: ReturnType<typeof findFirewall>): readonly string[] =>
    firewall?.open.map(shellWords).filter((line) => line.startsWith(program) && /1883|500\d/.test(line)) ?? [];
  const wanted = { ...ports, routes: [{ port: 1883, protocol: "tcp" as const }, ...routes] };
  assert.deepEqual(only("ufw", findFirewall({ ufw: "Status: active\n" }, wanted)), [
    "ufw allow 1883/tcp comment fossora",
    "ufw allow 1883/udp comment fossora",
    "ufw allow 5000:5002/udp comment fossora",
  ]);
  assert.deepEqual(only("firewall-cmd", findFirewall({ firewalld: "" }, wanted)), [
    "firewall-cmd --permanent --add-port=1883/tcp",
    "firewall-cmd --permanent --add-port=1883/udp",
    "firewall-cmd --permanent --add-port=5000-5002/udp",
  ]);
  const comment = "fossora-80-53-5353-733-2380-tcp1883-udp1883-udp5000-udp5001-udp5002";
  assert.equal(only("nft", findFirewall({ nft: nft(chain("drop")) }, wanted))[0]?.endsWith(comment), true);
  assert.deepEqual(findFirewall({ nft: nft(chain("drop"), rule(comment)) }, wanted)?.open, []);
});

test("a comment in nft is never longer than nft lets it be, and another one for other ports", () => {
  const commentOf = (from: number): string => {
    const many = Array.from({ length: 100 }, (_, index) => ({ port: from + index, protocol: "tcp" as const }));
    const [command] = findFirewall({ nft: nft(chain("drop")) }, { ...ports, routes: many })?.open ?? [];
    return command?.at(-1) ?? "";
  };
  assert.ok(commentOf(1_000).startsWith("fossora-") && commentOf(1_000).length < 128);
  assert.notEqual(commentOf(1_000), commentOf(1_001));
});
