import assert from "node:assert/strict";
import { test } from "node:test";
import { adviseField, oneOf } from "./words.ts";

test("a misspelt field names the one that was meant", () => {
  assert.deepEqual(adviseField("replica", ["replicas", "image"]), {
    message: "unknown field 'replica': did you mean 'replicas'?",
    suggestion: "replicas",
  });
});

test("words of compose and kubectl name ours", () => {
  assert.equal(adviseField("cap_add", ["capAdd"]).suggestion, "capAdd");
  assert.equal(adviseField("depends_on", ["after"]).suggestion, "after");
  assert.equal(adviseField("environment", ["env"]).suggestion, "env");
});

test("namespace is refused with the reason", () => {
  assert.match(adviseField("namespace", ["name"]).message, /no namespaces/);
});

test("a field that resembles nothing lists what is known", () => {
  assert.equal(adviseField("zzzzzz", ["a", "b"]).message, "unknown field 'zzzzzz': known here are a, b");
  assert.match(
    adviseField(
      "constructor",
      Array.from({ length: 20 }, (_, index) => `f${index}`),
    ).message,
    /and 12 more$/,
  );
});

test("choices are listed with 'or'", () => {
  assert.equal(oneOf(["a", 2, true]), "'a', 2 or true");
});
