import assert from "node:assert/strict";
import { test } from "node:test";
import { locate, renderProblem, renderProblems, sourceText, type Problem } from "./problem.ts";

const text = "kind: Service\nmetadata:\n  name: Jellyfin\r\n";

test("an offset becomes a line, a column and the line itself", () => {
  const at = text.indexOf("Jellyfin");
  assert.deepEqual(locate(sourceText("a.yaml", text), { start: at, end: at + 8 }), {
    file: "a.yaml",
    line: 3,
    column: 9,
    length: 8,
    source: "  name: Jellyfin",
  });
});

test("a place at the very end of a text still has a line", () => {
  assert.deepEqual(locate(sourceText("a.yaml", "a"), { start: 1, end: 2 }), { file: "a.yaml", line: 1, column: 2, length: 1, source: "a" });
});

const problem: Problem = {
  file: "a.yaml",
  line: 3,
  column: 9,
  length: 8,
  source: "  name: Jellyfin",
  field: "metadata.name",
  message: "must be lower-case",
  kind: "Service",
  name: "Jellyfin",
};

test("a problem shows its place, its object, its field, its line and a caret", () => {
  assert.equal(
    renderProblems([problem]),
    [
      "a.yaml:3:9  Service/Jellyfin  metadata.name",
      "  must be lower-case",
      "    3 |   name: Jellyfin",
      "      |         ^^^^^^^^",
      "error: 1 problem in a.yaml; nothing was applied.",
    ].join("\n"),
  );
});

test("the last line counts the problems and the files", () => {
  assert.match(renderProblems([problem, { ...problem, file: "b.yaml" }]), /error: 2 problems in 2 files; nothing was applied\.$/);
});

test("tabs keep the caret below what is meant", () => {
  assert.match(renderProblem({ ...problem, source: "\tname: Jellyfin", column: 8, length: 8 }), /\| \t {6}\^{8}$/);
});

test("a long line is cut around what is meant", () => {
  const shown = renderProblem({ ...problem, source: `${"x".repeat(1000)}HERE${"y".repeat(1000)}`, column: 1001, length: 4 }).split("\n");
  assert.ok(shown.every((line) => line.length < 200));
  const at = shown[3]?.indexOf("^") ?? -1;
  assert.equal(shown[2]?.slice(at, at + 4), "HERE");
});
