import assert from "node:assert/strict";
import { test } from "node:test";
import { counter, gauge, renderMetrics } from "./prometheus.ts";

test("a family is its help, its type and its samples", () => {
  const text = renderMetrics([
    counter("a_total", "How many.", 3),
    { name: "b", help: "Two\nlines, a \\.", type: "gauge", samples: [{ labels: { route: 'a"b\\c\nd', code: "2xx" }, value: 1.5 }] },
  ]);
  assert.equal(
    text,
    '# HELP a_total How many.\n# TYPE a_total counter\na_total 3\n# HELP b Two\\nlines, a \\\\.\n# TYPE b gauge\nb{route="a\\"b\\\\c\\nd",code="2xx"} 1.5\n',
  );
});

test("numbers that are none are written as the format wants them", () => {
  const values = [Number.NaN, Infinity, -Infinity, 1e21, 0];
  assert.deepEqual(
    values.map((value) =>
      renderMetrics([gauge("g", "h", value)])
        .split(" ")
        .at(-1),
    ),
    ["NaN\n", "+Inf\n", "-Inf\n", "1e+21\n", "0\n"],
  );
});

test("a family without samples is left out", () => {
  assert.equal(renderMetrics([{ name: "a", help: "h", type: "counter", samples: [] }]), "");
});
