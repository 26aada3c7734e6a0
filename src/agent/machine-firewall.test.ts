import assert from "node:assert/strict";
import { test } from "node:test";
import { portsOfRoutes, stillOpen } from "./machine-firewall.ts";

test("of raw ports those are opened that other computers may reach", () => {
  const problem = "port 25 is held by exim";
  const listeners = [
    { protocol: "http", address: "::", port: 80 },
    { protocol: "tcp", address: "::", port: 1883 },
    { protocol: "udp", address: "192.168.1.10", port: 1900 },
    { protocol: "udp", address: "127.0.0.1", port: 1901 },
    { protocol: "tcp", address: "10.200.0.1", port: 5432 },
    { protocol: "tcp", address: "::", port: 25, problem },
  ] as const;
  assert.deepEqual(portsOfRoutes(listeners, ["192.168.1.10"]), [
    { port: 1883, protocol: "tcp" },
    { port: 1900, protocol: "udp" },
  ]);
  assert.deepEqual(portsOfRoutes(undefined, []), []);
});

test("of what could not be taken back nothing is forgotten, and firewalld's reload comes after it", () => {
  const close = [
    ["firewall-cmd", "--permanent", "--remove-port=80/tcp"],
    ["firewall-cmd", "--permanent", "--remove-port=53/udp"],
    ["firewall-cmd", "--reload"],
  ] as const;
  const firewall = { name: "firewalld", open: [], close, lasting: true } as const;
  assert.equal(stillOpen(firewall, []), undefined);
  assert.deepEqual(stillOpen(firewall, [{ command: close[1], why: "it says no" }])?.close, [close[1], close[2]]);
  assert.deepEqual(stillOpen(firewall, [{ command: close[2], why: "it says no" }])?.close, [close[2]]);
  const nft = { name: "nftables", open: [], close: [], lasting: false } as const;
  assert.deepEqual(stillOpen(nft, [{ command: ["nft", "-j", "list", "ruleset"], why: "not permitted" }]), nft);
});
