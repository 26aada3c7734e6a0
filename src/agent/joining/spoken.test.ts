import assert from "node:assert/strict";
import { test } from "node:test";
import { MeshRefusal } from "../../api/errors.ts";
import { PROTOCOL, type HouseState, type Message } from "../../joining/messages.ts";
import { isAnswered, readSpoken } from "./spoken.ts";

const nodeId = "b".repeat(16);
const house: HouseState = { id: "h".repeat(26), epoch: 1, nodes: 1, hasObjects: true, joining: "auto" };
const hello = (from: Partial<Message["from"]> = {}): Message => ({
  protocol: PROTOCOL,
  kind: "hello",
  from: { nodeId, name: "nas", addresses: ["10.0.0.2:733"], versions: { fossora: "0.1.0", etcd: "3.7.3" }, ...from },
});
const refused = (code: string) => (error: unknown) => error instanceof MeshRefusal && error.code === code;

test("nobody speaks for another node, nor for a house whose certificate it does not show", () => {
  const fresh = { nodeId };
  const member = { nodeId, house: { hash: house.id, ca: "" } };
  assert.equal(readSpoken(fresh, hello(), "hello").from.nodeId, nodeId);
  assert.equal(readSpoken(member, hello({ house }), "hello").from.house?.id, house.id);
  assert.equal(readSpoken(member, hello(), "hello").from.house, undefined);
  assert.throws(() => readSpoken(fresh, hello({ house }), "hello"), refused("NotProven"));
  assert.throws(() => readSpoken(member, hello({ house: { ...house, id: "another" } }), "hello"), refused("NotProven"));
  assert.throws(() => readSpoken({ nodeId: "a".repeat(16) }, hello(), "hello"), refused("NotProven"));
});

test("a message is of the kind that was asked with, and whole", () => {
  const fresh = { nodeId };
  assert.throws(() => readSpoken(fresh, hello(), "moved"), refused("Invalid"));
  for (const junk of [null, 7, [], {}, { ...hello(), protocol: 2 }])
    assert.throws(() => readSpoken(fresh, junk, "hello"), refused("Invalid"));
  assert.deepEqual(["hello", "moved", "join-answer", "toString"].map(isAnswered), [true, true, false, false]);
});
