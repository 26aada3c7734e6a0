import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { test } from "node:test";
import { isOwnAddress, lanNetworks, outerAddresses } from "./local-addresses.ts";

function has(...cidrs: readonly string[]): NetworkInterfaceInfo[] {
  return cidrs.map((cidr) => {
    const [address = ""] = cidr.split("/");
    const common = { address, cidr, netmask: "", mac: "", internal: false };
    return address.includes(":") ? { ...common, family: "IPv6", scopeid: 0 } : { ...common, family: "IPv4" };
  });
}

test("a provider's IPv6 network is a LAN's where the interface has an address of a home, and nowhere else", () => {
  assert.deepEqual(lanNetworks({ eth0: has("192.168.1.10/24", "2001:db8:1:2::10/64", "fe80::1/64") }), ["2001:db8:1:2::10/64"]);
  assert.deepEqual(lanNetworks({ eth0: has("fd00::10/64", "2001:db8:1:2::10/64") }), ["2001:db8:1:2::10/64"]);
  assert.deepEqual(lanNetworks({ eth0: has("203.0.113.9/24", "2001:db8:1:2::10/64"), lan0: has("10.0.0.1/24") }), []);
  assert.deepEqual(lanNetworks({ tailscale0: has("100.64.0.1/32", "fd7a:115c:a1e0::1/128") }), []);
});

test("isOwnAddress() asks the kernel", async () => {
  assert.deepEqual(
    [await isOwnAddress("127.0.0.1"), await isOwnAddress("192.0.2.1"), await isOwnAddress("2001:db8::1")],
    [true, false, false],
  );
});

test("outerAddresses() are neither loopback's nor those of the apps' bridges", () => {
  const lo = has("127.0.0.1/8").map((each) => ({ ...each, internal: true }));
  const bridges = { fossora: has("10.200.0.1/20"), "fossora-1a2b3c4": has("10.200.128.1/28") };
  assert.deepEqual(outerAddresses("fossora", { lo, eth0: has("192.168.1.10/24", "fd00::10/64"), ...bridges }), [
    "192.168.1.10",
    "fd00::10",
  ]);
});
