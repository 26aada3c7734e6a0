import assert from "node:assert/strict";
import { test } from "node:test";
import { Failure } from "./failure.ts";
import { compilePath, compileTemplate } from "./jsonpath.ts";

const value = {
  metadata: { name: "web", labels: { "fossora.dev/disk": "big" } },
  items: [{ n: 1, on: true }, { n: 2 }, { n: 3 }],
  none: null,
};

test("paths lead to values", () => {
  const cases: readonly (readonly [string, readonly unknown[]])[] = [
    ["{.metadata.name}", ["web"]],
    [".metadata.name", ["web"]],
    ["metadata.name", ["web"]],
    ["{.items[0].n}", [1]],
    ["{.items[-1].n}", [3]],
    ["{.items[*].n}", [1, 2, 3]],
    ["{.items[*].on}", [true]],
    ["{.metadata.labels['fossora.dev/disk']}", ["big"]],
    ["{.metadata.labels.fossora\\.dev/disk}", ["big"]],
    ["{.metadata.*}", ["web", { "fossora.dev/disk": "big" }]],
    ["{$.none}", [null]],
    ["{.missing.deeper[0]}", []],
    ["{.constructor}", []],
  ];
  for (const [path, expected] of cases) assert.deepEqual(compilePath(path)(value), expected, path);
});

test("templates mix text, paths and ranges as kubectl's do", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["name={.metadata.name}", "name=web"],
    ["{.items[*].n}", "1 2 3"],
    ['{range .items[*]}{.n}{"\\t"}{.on}{"\\n"}{end}', "1\ttrue\n2\t\n3\t\n"],
    ["{range .items[*]}{'}'}{end}", "}}}"],
    ["{.metadata.labels}", '{"fossora.dev/disk":"big"}'],
    ["", ""],
  ];
  for (const [template, expected] of cases) assert.equal(compileTemplate(template)(value), expected, template);
});

test("what cannot be read is refused, not guessed", () => {
  for (const template of ["{.a", "{range .items[*]}{.n}", "{end}", "{.a[}", "{'open}", "{.items[x]}"]) {
    assert.throws(
      () => compileTemplate(template),
      (error) => error instanceof Failure && error.code === 2,
      template,
    );
  }
});
