import assert from "node:assert/strict";
import { test } from "node:test";
import { failuresBesides } from "./load.ts";

test("the end of the ingress explains what was asked in that moment and in ten seconds after it, and nothing else", () => {
  const failed = (...times: readonly number[]) => times.map((atMs) => ({ atMs, what: "GET: socket hang up" }));
  assert.deepEqual(failuresBesides(30_000, failed(29_500, 30_000, 31_000, 39_900)), []);
  assert.deepEqual(failuresBesides(30_000, failed(100, 30_500, 45_000)), failed(100, 45_000));
});
