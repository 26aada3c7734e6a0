import assert from "node:assert/strict";
import { test } from "node:test";
import { explain } from "./explain.ts";

test("a field has its type, description, default and example", () => {
  assert.deepEqual(explain("Service", ["spec", "update", "onFailure"]), {
    kind: "Service",
    path: "spec.update.onFailure",
    type: '"rollback" | "pause" | "continue"',
    description: "When the new one does not become healthy: `pause` and say why, go back (`rollback`), or `continue`.",
    default: "pause",
    examples: ["rollback"],
    fields: [],
  });
});

test("a kind lists its fields, and lists are passed through", () => {
  const kind = explain("Service", []);
  assert.ok("fields" in kind);
  assert.deepEqual(
    kind.fields.map(({ name }) => name),
    ["apiVersion", "kind", "metadata", "spec", "status"],
  );
  const containers = explain("Service", ["spec", "containers"]);
  assert.ok("fields" in containers && containers.fields.some(({ name, required }) => name === "image" && required));
  const memory = explain("Service", ["spec", "containers", "resources", "memory"]);
  assert.equal("type" in memory && memory.type, "size");
});

test("a union has the fields of all its forms", () => {
  const health = explain("Service", ["spec", "health"]);
  assert.ok("fields" in health);
  assert.deepEqual(
    health.fields.map(({ name }) => name),
    ["http", "port", "status", "interval", "timeout", "retries", "startGrace", "tcp", "command"],
  );
});

test("an unknown field says where it ended and what was meant", () => {
  assert.deepEqual(explain("Service", ["spec", "uptade", "order"]), { unknown: "uptade", within: "spec", suggestion: "update" });
  assert.deepEqual(explain("House", ["spec", "zone", "x"]), { unknown: "x", within: "spec.zone" });
});
