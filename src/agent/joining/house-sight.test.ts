import assert from "node:assert/strict";
import { test } from "node:test";
import { storesAt } from "./house-sight.ts";

test("a voter's store is looked for where its agent is heard, at the ports of before", () => {
  const before = ["192.168.1.2:2379", "[fd7a::2]:2379", "192.168.1.3:12379"];
  assert.deepEqual(storesAt(["192.168.1.9:733"], before), ["192.168.1.9:2379", "192.168.1.9:12379"]);
  assert.deepEqual(storesAt(["[fd7a::9]:733"], before.slice(0, 2)), ["[fd7a::9]:2379"]);
});

test("one that was asked by its name keeps nobody from looking at the others", () => {
  assert.deepEqual(storesAt(["nas", "nas.lan:733", "fe80::1%eth0", "192.168.1.9"], ["192.168.1.2:2379"]), ["192.168.1.9:2379"]);
});
