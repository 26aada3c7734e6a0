import assert from "node:assert/strict";
import { test } from "node:test";
import { BackendHealth } from "./backend-health.ts";

const backend = (node: string, port: number) => ({ node, instance: `${node}-${port}`, host: "10.0.0.1", port });
const [one, two, far] = [backend("attic", 1), backend("attic", 2), backend("shed", 3)];

test("this node's own backends take turns before those of others", () => {
  const health = new BackendHealth();
  const orders = [0, 1].map(() => health.order([far, one, two], "attic", 0).map(({ port }) => port));
  assert.deepEqual(orders, [
    [2, 1, 3],
    [1, 2, 3],
  ]);
});

test("those of other nodes take turns where this node has none, and equal addresses of two nodes are two", () => {
  const health = new BackendHealth();
  const others = [far, { ...far, node: "cellar" }];
  const firsts = [0, 1, 2, 3].map(() => health.order(others, "attic", 0)[0]?.node);
  assert.deepEqual(firsts, ["cellar", "shed", "cellar", "shed"]);
  health.unreachable(far, 0);
  for (let round = 0; round < 2; round += 1) assert.equal(health.order(others, "attic", 1)[0]?.node, "cellar");
});

test("the requests of one app shift nobody else's turns", () => {
  const health = new BackendHealth();
  const others = [backend("attic", 4), backend("attic", 5)];
  const firsts = [0, 1, 2, 3].map(() => {
    health.order(others, "attic", 0);
    return health.order([one, two], "attic", 0)[0]?.port;
  });
  assert.deepEqual(firsts, [2, 1, 2, 1]);
});

test("who could not be reached is tried last for ten seconds, or until a table comes without it", () => {
  const health = new BackendHealth();
  health.unreachable(one, 0);
  assert.deepEqual(health.order([one, far], "attic", 9_999), [far, one]);
  assert.deepEqual(health.order([one, far], "attic", 10_000), [one, far]);
  health.unreachable(one, 0);
  health.keep([one, far]);
  assert.deepEqual(health.order([one, far], "attic", 1), [far, one]);
  health.keep([far]);
  assert.deepEqual(health.order([one, far], "attic", 1), [one, far]);
});
