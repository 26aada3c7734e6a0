import assert from "node:assert/strict";
import { test } from "node:test";
import { RateLimit } from "./rate-limit.ts";

test("each source has its own share of a second", () => {
  const limit = new RateLimit(2);
  assert.deepEqual([limit.take("a", 0), limit.take("a", 1), limit.take("a", 999), limit.take("b", 999)], [true, true, false, true]);
  assert.ok(limit.take("a", 1000));
});
