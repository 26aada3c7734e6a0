import assert from "node:assert/strict";
import { test } from "node:test";
import { readyInstances } from "./endpoints.ts";
import type { DecidedService, ObservedInstance, ObservedService } from "./state.ts";

const decided: DecidedService = {
  uid: "u",
  serial: 2,
  target: "r",
  revisions: {},
  instances: [
    { id: "bbbb", node: "nas", revision: "r", generation: 1, why: "" },
    { id: "aaaa", node: "pi", revision: "r", generation: 1, why: "" },
  ],
};

function saw(id: string, ready: boolean): ObservedService {
  const instance: ObservedInstance = { id, revision: "r", ready, addresses: {}, containers: [], conditions: [] };
  return { bootId: "b", instances: [instance] };
}

test("readyInstances() answers what is decided and ready, by id", () => {
  const found = readyInstances(decided, [
    ["nas", saw("bbbb", true)],
    ["pi", saw("aaaa", true)],
  ]);
  assert.deepEqual(
    found.map(({ node, instance }) => [node, instance.id]),
    [
      ["pi", "aaaa"],
      ["nas", "bbbb"],
    ],
  );
});

test("readyInstances() leaves out what is not ready, and what is not decided while something is", () => {
  assert.deepEqual(readyInstances(decided, [["nas", saw("bbbb", false)]]), []);
  const found = readyInstances(decided, [
    ["nas", saw("cccc", true)],
    ["pi", saw("aaaa", true)],
  ]);
  assert.deepEqual(
    found.map(({ instance }) => instance.id),
    ["aaaa"],
  );
});

test("readyInstances() falls back to what has still to stop", () => {
  const found = readyInstances(decided, [
    ["nas", saw("cccc", true)],
    ["pi", saw("aaaa", false)],
  ]);
  assert.deepEqual(
    found.map(({ instance }) => instance.id),
    ["cccc"],
  );
});
