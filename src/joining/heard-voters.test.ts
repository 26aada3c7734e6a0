import assert from "node:assert/strict";
import { test } from "node:test";
import { heardVoters } from "./heard-voters.ts";
import type { Peer } from "./joiner-state.ts";

const house = { id: "house", epoch: 2, nodes: 3, hasObjects: true, joining: "auto" } as const;

function peer(nodeId: string, over: Partial<Peer> = {}): readonly [string, Peer] {
  const sender = { nodeId, name: nodeId, addresses: [], versions: { fossora: "1", etcd: "3.7.3" }, house };
  return [nodeId, { sender, address: `${nodeId}.new`, members: [], trust: "trusted", seenAtMs: 0, ...over }];
}

function heard(...peers: readonly (readonly [string, Peer])[]): readonly string[] {
  return heardVoters(new Map(peers), { house, voters: ["a", "b"] });
}

test("a voter is where it spoke from last", () => {
  assert.deepEqual(heard(peer("b"), peer("c")), ["b.new"]);
  assert.deepEqual(heard(), []);
});

test("nobody else's word counts", () => {
  const [, { sender }] = peer("a");
  const { house: _, ...fresh } = sender;
  assert.deepEqual(heard(peer("a", { trust: "needs approval" })), []);
  assert.deepEqual(heard(peer("a", { sender: fresh })), []);
  assert.deepEqual(heard(peer("a", { sender: { ...sender, house: { ...house, id: "other" } } })), []);
  assert.deepEqual(heard(peer("a", { sender: { ...sender, house: { ...house, epoch: 1 } } })), []);
});
