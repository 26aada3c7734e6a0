import assert from "node:assert/strict";
import { test } from "node:test";
import { brokenLimit, mismatch, mustBe, quote } from "./expectation.ts";
import { nodeOf, type YamlNode, type YamlScalar } from "./yaml-node.ts";

const node = (value: unknown): YamlNode => nodeOf(value, { start: 0, end: 1 });
const scalar = (value: string | number): YamlScalar => ({ kind: "scalar", value, text: String(value), start: 0, end: 1 });
const form = (schema: object): { readonly schema: object; readonly file: string } => ({ schema, file: "common.json" });

test("what was found is quoted, and shortened where it is long", () => {
  assert.deepEqual(
    [5, null, [1], { a: 1 }, "x".repeat(99)].map((value) => quote(node(value))),
    ["'5'", "empty", "a list", "{ a }", `'${"x".repeat(60)}...'`],
  );
});

test("another type is told in words", () => {
  assert.equal(mismatch([form({ type: "integer" })], node("x"), undefined).message, "must be a whole number, not 'x'");
  assert.equal(
    mismatch([form({ type: "array" }), form({ type: "boolean" })], node("x"), undefined).message,
    "must be a list or true or false, not 'x'",
  );
  assert.equal(mustBe("a port", node(0)), "must be a port, not '0'");
});

test("one of several words names the one that was meant", () => {
  assert.deepEqual(mismatch([form({ enum: ["always", "never"] })], node("alway"), undefined), {
    message: "must be 'always' or 'never': did you mean 'always'?",
    suggestion: "always",
  });
});

test("a number where text is meant says what YAML made of it", () => {
  assert.deepEqual(mismatch([form({ type: "string" })], { ...scalar(644), text: "0644" }, undefined), {
    message: "must be text: write '0644' in quotes (YAML reads an unquoted 0644 as the number 644)",
    suggestion: "'0644'",
  });
});

test("limits name the number that was broken", () => {
  assert.equal(brokenLimit({ maximum: 5, minimum: 1 }, scalar(6))?.message, "must be a number from 1 to 5, not '6'");
  assert.equal(brokenLimit({ maxLength: 2 }, scalar("abc"))?.message, "must have 2 characters at most, has 3");
  assert.equal(brokenLimit({ minLength: 1 }, scalar(""))?.message, "must not be empty");
  assert.equal(brokenLimit({ pattern: "^a$" }, scalar("b"))?.message, "must be text like ^a$, not 'b'");
  assert.equal(brokenLimit({ pattern: "^a$" }, scalar("a")), undefined);
});

test("a text that only has the wrong case is given in the right one", () => {
  assert.deepEqual(brokenLimit({ pattern: "^[a-z]+$", "x-expect": "lower-case letters" }, scalar("Abc")), {
    message: "must be lower-case letters: try 'abc'",
    suggestion: "abc",
  });
});
