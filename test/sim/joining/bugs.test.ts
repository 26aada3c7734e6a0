// Each planted bug must be found, and be called what it is.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import path from "node:path";
import { test } from "node:test";
import { bugs } from "./bugs.ts";
import type { Finding } from "./find-bugs.ts";

const { stdout, stderr } = spawnSync(process.execPath, [path.join(import.meta.dirname, "find-bugs.ts")], {
  encoding: "utf8",
  maxBuffer: 2 ** 28,
});
const lines = stdout.split("\n").filter((line) => line !== "");
const findings = new Map(lines.map((line) => JSON.parse(line) as Finding).map((finding) => [finding.name, finding])); // as find-bugs.ts writes it

for (const { name } of bugs) {
  test(`the simulator finds a node that ${name}`, () => {
    const finding = findings.get(name);
    assert(finding !== undefined, `nobody looked for it: ${stderr}`);
    assert(finding.seed !== undefined, `it was not found, but: ${finding.said.join("; ")}`);
  });
}

test("at least eight bugs are planted, each with a name of its own", () => {
  assert(new Set(bugs.map(({ name }) => name)).size === bugs.length && bugs.length >= 8);
});
