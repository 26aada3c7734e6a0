import assert from "node:assert/strict";
import { test } from "node:test";
import { isAllowed } from "./allow.ts";

const containers = { gateway: "172.30.0.1", subnets: ["172.30.0.0/16"] };
const lans = ["2001:db8:1:2::10/64"];
const from = { loopback: "127.0.0.1", lan: "192.168.1.9", tailnet: "100.64.0.9", app: "172.30.0.7", stranger: "203.0.113.9" };
const admitted = (allow: readonly string[] | undefined): readonly string[] =>
  Object.entries(from).flatMap(([who, address]) => (isAllowed(allow, address, { containers, lans }) ? [who] : []));

test("each rule lets in its own, and always the computer itself", () => {
  assert.deepEqual(admitted(undefined), Object.keys(from));
  assert.deepEqual(admitted([]), ["loopback"]);
  assert.deepEqual(admitted(["lan"]), ["loopback", "lan"]);
  assert.deepEqual(admitted(["tailnet"]), ["loopback", "tailnet"]);
  assert.deepEqual(admitted(["apps"]), ["loopback", "app"]);
  assert.deepEqual(admitted(["lan", "203.0.113.0/24"]), ["loopback", "lan", "stranger"]);
  assert.deepEqual(admitted(["192.168.1.9"]), ["loopback", "lan"]);
});

test("the computer asks its own bridge from the gateway", () => {
  assert.equal(isAllowed(["apps"], "172.30.0.1", { containers }), true);
  assert.equal(isAllowed(["apps"], "172.30.0.1", {}), false);
});

test("by IPv6 the LAN is whoever has a local address or one of its network, the tailnet has its own, and a CIDR is one", () => {
  const is = (rule: string, address: string): boolean => isAllowed([rule], address, { containers, lans });
  for (const address of ["fd00::9", "fe80::9%eth0", "2001:db8:1:2::9", "::1", "::ffff:192.168.1.9"])
    assert.equal(is("lan", address), true, address);
  for (const address of ["2001:db8:1:3::9", "fd7a:115c:a1e0::9", "::ffff:203.0.113.9"]) assert.equal(is("lan", address), false, address);
  assert.deepEqual([is("tailnet", "fd7a:115c:a1e0::9"), is("tailnet", "fd00::9")], [true, false]);
  assert.deepEqual([is("2001:db8:9::/48", "2001:db8:9:1::7"), is("2001:db8:9::/48", "2001:db8:8::7")], [true, false]);
  assert.deepEqual([is("2001:db8:9::7", "2001:db8:9:0:0::7"), is("10.0.0.0/8", "2001:db8:9::7")], [true, false]);
});
