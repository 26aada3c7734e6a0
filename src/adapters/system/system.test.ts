import assert from "node:assert/strict";
import type { NetworkInterfaceInfo } from "node:os";
import { tmpdir } from "node:os";
import { test } from "node:test";
import type { EngineInfo } from "../../container-ports.ts";
import { lastingIpv6 } from "./ipv6.ts";
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
  assert.deepEqual(sortAddresses(interfaces, { defaultInterface: "eth0", lastingIpv6: new Set() }), {
    lan: ["192.168.1.8", "192.168.1.9", "192.168.7.1"],
    tailnet: ["100.101.102.103"],
  });
});

function at6(address: string): NetworkInterfaceInfo[] {
  return [{ address, netmask: "", mac: "", cidr: null, family: "IPv6", internal: address === "::1", scopeid: 0 }];
}

test("IPv6 comes after IPv4, the LAN's own before the provider's, and only what lasts", () => {
  const interfaces = {
    lo: at6("::1"),
    eth0: [...at6("2001:db8::2"), ...at6("2001:db8::face"), ...at6("fd00::2"), ...at6("fe80::2"), ...at("192.168.1.8")],
    docker0: at6("fd00:d::1"),
    tailscale0: [...at6("fd7a:115c:a1e0::5"), ...at("100.64.0.5")],
  };
  const lastingIpv6 = new Set(["::1", "2001:db8::2", "fd00::2", "fe80::2", "fd00:d::1", "fd7a:115c:a1e0::5"]);
  assert.deepEqual(sortAddresses(interfaces, { defaultInterface: "eth0", lastingIpv6 }), {
    lan: ["192.168.1.8", "fd00::2", "2001:db8::2"],
    tailnet: ["100.64.0.5", "fd7a:115c:a1e0::5"],
  });
});

test("the kernel tells which IPv6 addresses last: none for privacy, deprecated, double or not yet sure", () => {
  const row = (end: string, flags: string): string => `20010db800000000000000000000${end} 02 40 00 ${flags}     eth0`;
  const text = [row("0001", "80"), row("0002", "00"), row("0003", "01"), row("0004", "20"), row("0005", "c8"), row("0006", "40"), ""];
  assert.deepEqual([...lastingIpv6(text.join("\n"))], ["2001:db8::1", "2001:db8::2"]);
  assert.deepEqual([...lastingIpv6("")], []);
});

test("what an engine can do does not change while it is silent, and containers in a VM are not this kernel's", async () => {
  const info = { version: "28", apiVersion: "1.50", remoteNetwork: true, runtimes: ["runc"] } as unknown as EngineInfo; // all that is read
  let engine: EngineInfo | undefined = info;
  const versions = { fossora: "1", etcd: "3" };
  const system = new MachineSystem({
    dataDir: tmpdir(),
    engine: async () => engine,
    versions,
    goes: () => undefined,
    role: () => undefined,
  });
  assert.ok(system.runningContainers() instanceof Set);
  const described = (): ReturnType<MachineSystem["describe"]> => system.describe(new AbortController().signal);
  assert.equal((await described()).remoteNetwork, true);
  engine = undefined;
  assert.deepEqual([(await described()).remoteNetwork, (await described()).versions.docker], [true, ""]);
  assert.equal(system.runningContainers(), undefined);
});

test("this machine is described, also while Docker is away", async () => {
  const system = new MachineSystem({
    dataDir: tmpdir(),
    engine: async () => undefined,
    versions: { fossora: "1", etcd: "3" },
    goes: () => undefined,
    role: () => "voter",
  });
  const found = await system.describe(new AbortController().signal);
  assert(found.cpus > 0 && found.memoryBytes > 0 && found.diskBytes > 0 && found.os !== "");
  assert.equal(found.role, "voter");
  assert.deepEqual(found.versions, { fossora: "1", etcd: "3", docker: "", dockerApi: "" });
});
