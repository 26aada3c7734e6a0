import assert from "node:assert/strict";
import type { SourceMapPayload } from "node:module";
import path from "node:path";
import { test } from "node:test";
import { runInNewContext } from "node:vm";
import { bundle } from "../tools/bundle.ts";
import { readableStack } from "./source-map.ts";

const thrower = path.join(import.meta.dirname, "../test/support/thrower.ts");

test("a stack of the bundle names the line of the source that threw", async () => {
  const { code, map } = await bundle(thrower);
  const stack = stackOf(Buffer.from(code).toString());
  assert.match(stack, /main\.cjs:\d+:\d+/);
  assert.match(
    readableStack(stack, JSON.parse(Buffer.from(map).toString()) as SourceMapPayload),
    /at fails \(test\/support\/thrower\.ts:5:9\)/,
  );
});

test("a stack without the bundle's name stays as it is", () => {
  const stack = "Error: no\n    at main (src/main.ts:1:2)\n    at node:internal/main:3:4";
  assert.equal(readableStack(stack), stack);
});

function stackOf(code: string): string {
  try {
    runInNewContext(code, {}, { filename: "main.cjs" });
  } catch (error) {
    return (error as Error).stack ?? ""; // an Error of the other context: instanceof does not know it
  }
  return "nothing was thrown";
}
