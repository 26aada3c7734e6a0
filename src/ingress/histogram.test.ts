import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bucketOf, quantileMs, RECENT_MS, RecentHistogram, TotalHistogram, upperBoundMs } from "./histogram.ts";

const durations = fc.double({ min: 0.07, max: 130_000, noNaN: true });

test("a duration is at most its bucket's upper bound, and more than that of the one before", () => {
  fc.assert(
    fc.property(durations, (ms) => {
      const bucket = bucketOf(ms);
      assert.ok(ms <= upperBoundMs(bucket) * (1 + 1e-12));
      assert.ok(bucket === 0 || ms > upperBoundMs(bucket - 1) * (1 - 1e-12));
    }),
  );
});

test("whatever is counted, it falls into a bucket", () => {
  for (const ms of [0, -1, Number.NaN, Infinity, 1e300, Number.MIN_VALUE]) assert.ok(bucketOf(ms) >= 0 && bucketOf(ms) < 84, String(ms));
});

test("a quantile is at most 10 % from the exact one", () => {
  fc.assert(
    fc.property(fc.array(durations, { minLength: 1, maxLength: 200 }), fc.constantFrom(0.5, 0.99, 1), (values, quantile) => {
      const recent = new RecentHistogram();
      for (const ms of values) recent.add(bucketOf(ms), 0);
      const exact = values.toSorted((a, b) => a - b)[Math.ceil(quantile * values.length) - 1] ?? 0;
      const estimate = quantileMs(recent.counts(0), quantile) ?? 0;
      assert.ok(estimate > exact * 0.9 && estimate < exact * 1.1, `${estimate} for ${exact}`);
    }),
  );
});

test("nothing counted has no quantile", () => {
  assert.equal(quantileMs(new RecentHistogram().counts(0), 0.5), undefined);
});

test("the recent ones are those of the last five minutes", () => {
  const recent = new RecentHistogram();
  const sum = (nowMs: number): number => recent.counts(nowMs).reduce((total, count) => total + count, 0);
  recent.add(3, 0);
  recent.add(3, 59_999);
  recent.add(3, 60_000);
  assert.equal(sum(RECENT_MS - 1), 3);
  assert.equal(sum(RECENT_MS), 1);
  assert.equal(sum(RECENT_MS + 60_000), 0);
  recent.add(3, RECENT_MS * 10);
  assert.equal(sum(RECENT_MS * 10), 1);
});

test("the total counts what took at most a power of two, that one included", () => {
  const total = new TotalHistogram();
  for (const ms of [0.01, 0.9, 1, 1.1, 5]) total.add(bucketOf(ms), ms);
  assert.equal(total.atMost(1), 3);
  assert.equal(total.atMost(4), 4);
  assert.equal(total.atMost(16_384), 5);
  assert.equal(total.count, 5);
  assert.equal(total.sumMs, 8.01);
});
