import assert from "node:assert/strict";
import { test } from "node:test";
import { routeTargets, usedSubnets } from "./routes.ts";

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

test("this machine's own loopback is among what is used", async () => {
  assert((await usedSubnets()).some(({ base }) => Math.floor(base / 2 ** 24) === 127));
});
