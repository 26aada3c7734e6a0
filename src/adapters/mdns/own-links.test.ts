import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { test } from "node:test";
import { ownLinks } from "./own-links.ts";

const info = (cidr: string, netmask: string, internal = false): NetworkInterfaceInfo => {
  const [address = ""] = cidr.split("/");
  return { address, netmask, cidr, internal, mac: "", ...(address.includes(":") ? { family: "IPv6", scopeid: 0 } : { family: "IPv4" }) };
};

test("each IPv4 address has its network, and what its interface has by IPv6; loopback and networks with nobody else are left out", () => {
  assert.deepEqual(
    ownLinks({
      lo: [info("127.0.0.1/8", "255.0.0.0", true)],
      eth0: [info("192.168.1.77/24", "255.255.255.0"), info("fd00::1/64", "ffff:ffff:ffff:ffff::")],
      br0: [info("10.20.30.40/20", "255.255.240.0")],
      wg0: [info("10.9.9.9/32", "255.255.255.255"), info("10.8.8.8/31", "255.255.255.254")],
      gone: undefined,
    }),
    [
      { address: "192.168.1.77", network: "192.168.1.0/24", interface: "eth0", ipv6: ["fd00::1/64"] },
      { address: "10.20.30.40", network: "10.20.16.0/20", interface: "br0", ipv6: [] },
    ],
  );
});
