import assert from "node:assert/strict";
import { test } from "node:test";
import { addRoundTrip, noRoundTrips, roundTripP99 } from "./round-trips.ts";

const of = (count: number, tookMs: (number: number) => number, everyMs = 1_000) =>
  Array.from({ length: count }, (_, number) => number).reduce(
    (trips, number) => addRoundTrip(trips, tookMs(number), number * everyMs),
    noRoundTrips,
  );

test("a few round trips say nothing", () => {
  assert.equal(
    roundTripP99(
      of(19, () => 1),
      19_000,
    ),
    undefined,
  );
  assert.equal(
    roundTripP99(
      of(20, () => 1),
      20_000,
    ),
    1,
  );
});

test("one of a hundred may be slow, two may not", () => {
  assert.equal(
    roundTripP99(
      of(100, (number) => (number === 50 ? 900 : 2)),
      100_000,
    ),
    2,
  );
  assert.equal(
    roundTripP99(
      of(100, (number) => (number % 50 === 0 ? 900 : 2)),
      100_000,
    ),
    900,
  );
});

test("what was more than ten minutes ago is forgotten, and there is no end of them", () => {
  const slowAtFirst = of(700, (number) => (number < 100 ? 900 : 2));
  assert.equal(roundTripP99(slowAtFirst, 700_000), 2);
  assert.equal(roundTripP99(slowAtFirst, 1_400_000), undefined);
  assert.ok(of(5_000, () => 1, 1).samples.length <= 600);
});
