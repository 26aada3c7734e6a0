import assert from "node:assert/strict";
import { test } from "node:test";
import { decided, houseFacts, nodeFacts } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import { fitnessOf, whyUnplaced } from "./scheduling.ts";

const value = decided("app", serviceSpec("app", "app:1"), []);

test("fitnessOf() has a reason for each node", () => {
  const house = houseFacts({ nodes: [nodeFacts("pi", { schedulable: false }), nodeFacts("nas")] });
  assert.deepEqual(fitnessOf("app", value, house), [
    { node: "nas", fits: true, reason: "it fits" },
    { node: "pi", fits: false, reason: "it is cordoned" },
  ]);
  assert.deepEqual(fitnessOf("app", undefined, house), []);
});

test("whyUnplaced() names every node's reason, or that there is no node", () => {
  assert.equal(
    whyUnplaced("app", value, houseFacts({ nodes: [nodeFacts("pi", { schedulable: false })] })).message,
    "None of 1 nodes fits: pi: it is cordoned",
  );
  assert.equal(whyUnplaced("app", value, houseFacts({ nodes: [] })).message, "There is no node yet");
});

test("whyUnplaced() says when a node fits and only has to wait", () => {
  assert.equal(whyUnplaced("app", value, houseFacts()).reason, "Waiting");
});
