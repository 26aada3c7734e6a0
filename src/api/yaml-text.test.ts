import assert from "node:assert/strict";
import { test } from "node:test";
import { plainValue } from "./yaml-node.ts";
import { readYaml } from "./yaml.ts";
import { yamlText } from "./yaml-text.ts";

test("what is written as YAML reads back as it was", () => {
  const labels = { app: "web" };
  const value = {
    a: labels,
    b: labels,
    mode: "0644",
    yes: "yes",
    long: "word ".repeat(100).trim(),
    lines: "a\nb\n",
    none: null,
    list: [1, true, "x: y"],
  };
  const text = yamlText(value);
  assert.doesNotMatch(text, /[&*]ref/);
  const { documents, mistakes } = readYaml(text);
  assert.deepEqual(mistakes, []);
  assert.deepEqual(documents.map(plainValue), [value]);
});
