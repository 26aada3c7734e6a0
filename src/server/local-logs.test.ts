import assert from "node:assert/strict";
import { test } from "node:test";
import { LineSplitter } from "./local-logs.ts";

test("lines are whole wherever chunks and characters are cut", () => {
  const bytes = Buffer.from("eins\r\nzwölf\n\nrest");
  for (const size of [1, 2, 3, 7, 100]) {
    const splitter = new LineSplitter();
    const lines: string[] = [];
    for (let at = 0; at < bytes.length; at += size) lines.push(...splitter.push(bytes.subarray(at, at + size)));
    assert.deepEqual([...lines, splitter.end()], ["eins", "zwölf", "", "rest"], String(size));
  }
});

test("a line that never ends is cut", () => {
  const splitter = new LineSplitter();
  const lines: string[] = [];
  for (let times = 0; times < 40; times++) lines.push(...splitter.push(Buffer.from("x".repeat(10_000))));
  assert.ok(lines.length >= 5);
  assert.equal(lines.join("").length + splitter.end().length, 400_000);
});
