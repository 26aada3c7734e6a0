import assert from "node:assert/strict";
import { test } from "node:test";
import { reachedAt, splitAddress } from "./addresses.ts";

test("an address without a port is that of 733", () => {
  assert.deepEqual(
    ["10.0.0.1", "10.0.0.1:7330", "fd00::1", "[fd00::1]:7330", "[fd00::1]", "nas"].map((each) => splitAddress(each)),
    [
      { address: "10.0.0.1", port: 733 },
      { address: "10.0.0.1", port: 7330 },
      { address: "fd00::1", port: 733 },
      { address: "fd00::1", port: 7330 },
      { address: "fd00::1", port: 733 },
      { address: "nas", port: 733 },
    ],
  );
});

test("who speaks is answered where it speaks from, and nowhere else", () => {
  assert.equal(reachedAt("10.0.0.1", ["192.168.1.9", "10.0.0.1:7330"]), "10.0.0.1:7330");
  assert.equal(reachedAt("::ffff:10.0.0.1", ["10.0.0.1:7330"]), "10.0.0.1:7330");
  assert.equal(reachedAt("10.0.0.1", ["192.168.1.9"]), "10.0.0.1");
});
