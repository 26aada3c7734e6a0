import assert from "node:assert/strict";
import { test } from "node:test";
import { kernelTargets, routeTargets, usedSubnets } from "./routes.ts";

test("targets are taken from routes of every type, but for the default route", () => {
  const text = [
    "default via 192.168.1.1 dev eth0 proto dhcp metric 100",
    "10.8.0.0/24 dev wg0 proto kernel scope link src 10.8.0.2",
    "100.64.0.7 dev tailscale0 table 52",
    "unreachable 10.99.0.0/16 metric 500",
    "local 127.0.0.1 dev lo table local proto kernel scope host src 127.0.0.1",
    "",
  ].join("\n");
  assert.deepEqual(routeTargets(text), ["10.8.0.0/24", "100.64.0.7", "10.99.0.0/16", "127.0.0.1"]);
});

test("without `ip`, the kernel's own table is read", () => {
  const text = [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
    "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0",
    "wg0\t0007D50A\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0",
    "",
  ].join("\n");
  assert.deepEqual(kernelTargets(text), ["10.213.7.0/24"]);
});

test("this machine's own loopback is among what is used", async () => {
  assert((await usedSubnets()).some(({ base }) => Math.floor(base / 2 ** 24) === 127));
});
