import assert from "node:assert/strict";
import { test } from "node:test";
import { forContainers, forIngress } from "./name-servers.ts";

test("containers are given what they can reach, two at most", () => {
  assert.deepEqual(forContainers(["127.0.0.1", "192.168.1.1", "fd00::1", "1.1.1.1", "9.9.9.9"]), ["192.168.1.1", "1.1.1.1"]);
});

test("the ingress asks everybody but itself: another at its address, or on another of loopback's, is somebody else", () => {
  const listeners = [
    { protocol: "dns", address: "127.0.0.1", port: 53 },
    { protocol: "dns", address: "192.168.1.10", port: 5354 },
    { protocol: "tcp", address: "9.9.9.9", port: 53 },
  ];
  const servers = ["127.0.0.1", "127.0.0.53", "192.168.1.10", "9.9.9.9", "::1"];
  assert.deepEqual(forIngress(servers, listeners), ["127.0.0.53", "192.168.1.10", "9.9.9.9", "::1"]);
  assert.deepEqual(forIngress(servers, []), servers);
});
