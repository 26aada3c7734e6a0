import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeAddresses } from "./node-addresses.ts";

const at = (...addresses: readonly string[]) => addresses.map((address) => ({ address, internal: false }));

test("a node is found at its links and its tailnet, not at Docker's bridges or link-local", () => {
  assert.deepEqual(
    nodeAddresses(
      {
        lo: [{ address: "127.0.0.1", internal: true }],
        tailscale0: at("fd7a:115c:a1e0::1", "100.64.0.1"),
        "br-lan": at("192.168.2.1"),
        eth0: at("fe80::1", "fd00::2", "192.168.1.2", "169.254.3.4"),
        docker0: at("172.17.0.1"),
        "br-0123456789ab": at("172.18.0.1"),
        fossora: at("10.128.0.1"),
        "fossora-0a1b2c3": at("10.128.1.1"),
        veth12ab: at("10.9.9.9"),
      },
      "eth0",
    ),
    ["192.168.1.2", "192.168.2.1", "100.64.0.1", "fd7a:115c:a1e0::1"],
  );
});

test("neither the internet's addresses nor those that change each day count beside others", () => {
  const eth0 = at("203.0.113.7", "2001:db8::1234", "fd00::9");
  assert.deepEqual(nodeAddresses({ eth0, tailscale0: at("100.64.0.1") }, "eth0"), ["100.64.0.1"]);
  assert.deepEqual(nodeAddresses({ eth0 }, "eth0"), ["fd00::9"]);
  assert.deepEqual(nodeAddresses({ eth0: at("2001:db8::1234", "203.0.113.7") }, "eth0"), ["203.0.113.7"]);
  assert.deepEqual(nodeAddresses({ eth0: at("2001:db8::1234") }, "eth0"), ["2001:db8::1234"]);
  assert.deepEqual(nodeAddresses({ lo: [{ address: "127.0.0.1", internal: true }] }, undefined), []);
});

test("this computer's own addresses are addresses", () => {
  for (const address of nodeAddresses()) assert.match(address, /^[\da-f.:]+$/);
});
