// Waiting must grow, must end somewhere, and must differ from node to node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { backoffMs, BACKOFF_MAX_MS, BACKOFF_MIN_MS } from "./backoff.ts";

const always = (value: number) => ({ next: () => value });

test("waiting doubles from about one second", () => {
  assert.deepEqual(
    [1, 2, 3, 4].map((failures) => backoffMs(failures, always(0.5))),
    [1_000, 2_000, 4_000, 8_000],
  );
});

test("waiting stays between 1 s and 5 min whatever the jitter and the number of failures", () => {
  for (const chance of [0, 0.3, 0.999]) {
    for (let failures = 1; failures < 2_000; failures++) {
      const ms = backoffMs(failures, always(chance));
      assert(ms >= BACKOFF_MIN_MS && ms <= BACKOFF_MAX_MS, `${ms} ms after ${failures} failures`);
    }
  }
});

test("two nodes that failed together do not try together", () => {
  assert.notEqual(backoffMs(4, always(0.1)), backoffMs(4, always(0.9)));
});
