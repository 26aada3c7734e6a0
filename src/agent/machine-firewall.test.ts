import assert from "node:assert/strict";
import { test } from "node:test";
import { portsOfRoutes } from "./machine-firewall.ts";

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
