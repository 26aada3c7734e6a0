import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { tmpdir } from "node:os";
import { test } from "node:test";
import { MachineSystem, sortAddresses } from "./system.ts";

function at(address: string): NetworkInterfaceInfo[] {
  return [{ address, netmask: "", mac: "", cidr: null, family: "IPv4", internal: address.startsWith("127.") }];
}

test("LAN and tailnet addresses are told apart, the default route's first, container bridges left out", () => {
  const interfaces = {
    lo: at("127.0.0.1"),
    wlan0: at("192.168.1.9"),
    eth0: at("192.168.1.8"),
    br0: at("192.168.7.1"),
    tailscale0: at("100.101.102.103"),
    docker0: at("172.17.0.1"),
    "br-0123456789ab": at("172.18.0.1"),
    fossora: at("10.200.0.1"),
    veth12: at("10.9.9.9"),
    usb0: at("169.254.1.1"),
  };
  assert.deepEqual(sortAddresses(interfaces, "eth0"), { lan: ["192.168.1.8", "192.168.1.9", "192.168.7.1"], tailnet: ["100.101.102.103"] });
});

test("IPv6 addresses are left out: names are answered with A records", () => {
  const ipv6 = { address: "fd00::2", netmask: "", mac: "", cidr: null, family: "IPv6", internal: false, scopeid: 0 } as const;
  assert.deepEqual(sortAddresses({ eth0: [ipv6, ...at("192.168.1.8")] }, undefined), { lan: ["192.168.1.8"], tailnet: [] });
});

test("this machine is described, also while Docker is away", async () => {
  const system = new MachineSystem({
    dataDir: tmpdir(),
    engine: async () => undefined,
    versions: { fossora: "1", etcd: "3" },
    role: () => "voter",
  });
  const found = await system.describe(new AbortController().signal);
  assert(found.cpus > 0 && found.memoryBytes > 0 && found.diskBytes > 0 && found.os !== "");
  assert.equal(found.role, "voter");
  assert.deepEqual(found.versions, { fossora: "1", etcd: "3", docker: "", dockerApi: "" });
});
