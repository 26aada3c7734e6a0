import assert from "node:assert/strict";
import { test } from "node:test";
import { houseHashOf, isHouseHash, isNodeId, nodeIdOf } from "./node-id.ts";

const key = Buffer.from("a public key as DER");

test("a node's id and a house's hash are 16 and 26 characters of the key's SHA-256", () => {
  assert.equal(nodeIdOf(key), "diu6zoyh7chtnpw2");
  assert.ok(houseHashOf(key).startsWith(nodeIdOf(key)));
  assert.ok(isNodeId(nodeIdOf(key)));
  assert.ok(isHouseHash(houseHashOf(key)));
});

test("another key has another id, and neither a name nor half an id is one", () => {
  assert.notEqual(nodeIdOf(Buffer.from("another public key")), nodeIdOf(key));
  for (const text of ["nas", nodeIdOf(key).slice(1), `${nodeIdOf(key)}a`, "DIU6ZOYH7CHTNPW2", "diu6zoyh7chtnpw1"])
    assert.ok(!isNodeId(text));
  assert.ok(!isHouseHash(nodeIdOf(key)));
});
