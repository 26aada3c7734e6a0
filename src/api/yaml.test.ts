import assert from "node:assert/strict";
import { test } from "node:test";
import { plainValue } from "./yaml-node.ts";
import { readYaml } from "./yaml.ts";

const values = (text: string): readonly unknown[] => readYaml(text).documents.map(plainValue);
const mistakes = (text: string): readonly string[] => readYaml(text).mistakes.map(({ place, message }) => `${place.start}: ${message}`);

test("scalars are what YAML 1.2 says, and keep how they were written", () => {
  assert.deepEqual(values("[1, 1.10, true, yes, null, ~, 0644, 0x1f, 'a', \"b\", !!str 5, on]"), [
    [1, 1.1, true, "yes", null, null, 644, 31, "a", "b", "5", "on"],
  ]);
  const [list] = readYaml("[1.10]").documents;
  assert.equal(list?.kind === "sequence" && list.items[0]?.kind === "scalar" && list.items[0].text, "1.10");
});

test("JSON is YAML", () => {
  const value = { a: [1, { b: null }], "c d": "x\ny" };
  assert.deepEqual(values(JSON.stringify(value)), [value]);
});

test("empty documents are left out", () => {
  assert.deepEqual(values("---\n# nothing\n---\na: 1\n---\n...\n"), [{ a: 1 }]);
});

test("merge keys bring in what is not written out", () => {
  assert.deepEqual(values("a: &a {x: 1, y: 1}\nb: {<<: *a, y: 2}\nc: {<<: [{x: 3}, *a]}"), [
    { a: { x: 1, y: 1 }, b: { y: 2, x: 1 }, c: { x: 3, y: 1 } },
  ]);
  assert.deepEqual(mistakes("{<<: 1}"), ["5: '<<' must be followed by an alias of a mapping, or a list of such"]);
});

test("a key that stands twice, or is no text, is a mistake at its place", () => {
  assert.deepEqual(mistakes("a: 1\na: 2"), ["5: 'a' stands here twice: keep one of them"]);
  assert.deepEqual(mistakes("80: 1"), ["0: keys must be text: write '80' in quotes"]);
  assert.deepEqual(mistakes("? [a]\n: 1"), ["2: keys must be text, not a list or a mapping"]);
});

test("aliases that multiply are refused before they fill the memory", () => {
  const lines = Array.from({ length: 30 }, (_, index) => `l${index + 1}: &l${index + 1} [${new Array(9).fill(`*l${index}`).join(", ")}]`);
  const [first = ""] = mistakes(`l0: &l0 [x, x, x]\n${lines.join("\n")}`);
  assert.match(first, /aliases repeat more than 10000 values/);
});

test("an alias cannot hold itself", () => {
  assert.match(mistakes("a: &a [*a]")[0] ?? "", /unknown alias '\*a'/);
});

test("deep nesting is refused, also through aliases", () => {
  assert.match(mistakes("[".repeat(500))[0] ?? "", /cannot be read as YAML/);
  const deep = `${"[".repeat(40)}x${"]".repeat(40)}`;
  assert.match(mistakes(`a: &a ${deep}\nb: ${"[".repeat(40)}*a${"]".repeat(40)}`)[0] ?? "", /levels deep/);
});

test("a tab in the indentation is named as such", () => {
  assert.match(mistakes("a:\n\tb: 1")[0] ?? "", /YAML knows no tabs there/);
});

test("a document that cannot be read does not hide the mistakes of the next one", () => {
  const { documents, mistakes: found } = readYaml("a: [1\n---\nb: 1\nb: 2\n---\nc: 3");
  assert.deepEqual(
    found.map(({ place }) => place.start),
    [6, 15],
  );
  assert.deepEqual(documents.map(plainValue), [{ b: 1 }, { c: 3 }]);
});

test("tags that mean nothing are mistakes", () => {
  assert.match(mistakes("a: !!binary aGk=")[0] ?? "", /'!!binary'/);
});

test("a name such as __proto__ is a key like any other", () => {
  const [value] = values("__proto__: 1");
  assert.deepEqual(Object.keys(value as object), ["__proto__"]);
});

test("a value ends where its text ends, brackets included", () => {
  const text = "a: { b: [1, 'x' ] } # no\nc: |\n  d\n";
  const [node] = readYaml(text).documents;
  const value = node?.kind === "mapping" ? node.entries.get("a")?.value : undefined;
  assert.equal(text.slice(value?.start, value?.end), "{ b: [1, 'x' ] }");
  assert.equal(text.slice(node?.start, node?.end), text);
});

test("comments before a bracket cost no time", () => {
  const text = `{ a ${"# ".repeat(5000)}\n : !x }`;
  assert.equal(readYaml(text).documents.length, 1);
});
