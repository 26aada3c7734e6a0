import assert from "node:assert/strict";
import { test } from "node:test";
import { isAllowed } from "./allow.ts";

const containers = { gateway: "172.30.0.1", subnets: ["172.30.0.0/16"] };
const from = { loopback: "127.0.0.1", lan: "192.168.1.9", tailnet: "100.64.0.9", app: "172.30.0.7", stranger: "203.0.113.9" };
const admitted = (allow: readonly string[] | undefined): readonly string[] =>
  Object.entries(from).flatMap(([who, address]) => (isAllowed(allow, address, containers) ? [who] : []));

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
  assert.equal(isAllowed(["apps"], "172.30.0.1", containers), true);
  assert.equal(isAllowed(["apps"], "172.30.0.1", undefined), false);
});
