import assert from "node:assert/strict";
import { test } from "node:test";
import { addRoundTrip, noRoundTrips, roundTripP99 } from "./round-trips.ts";

const of = (count: number, tookMs: (number: number) => number, everyMs = 1_000) =>
  Array.from({ length: count }, (_, number) => number).reduce(
    (trips, number) => addRoundTrip(trips, tookMs(number), number * everyMs),
    noRoundTrips,
  );

test("a few round trips say nothing, and of some more one may be odd", () => {
  assert.equal(
    roundTripP99(
      of(29, () => 1),
      29_000,
    ),
    undefined,
  );
  assert.equal(
    roundTripP99(
      of(30, (number) => (number === 7 ? 900 : 1)),
      30_000,
    ),
    1,
  );
  assert.equal(
    roundTripP99(
      of(30, (number) => (number < 2 ? 900 : 1)),
      30_000,
    ),
    900,
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

test("what was more than half an hour ago is forgotten, and there is no end of them", () => {
  const slowAtFirst = of(400, (number) => (number < 40 ? 900 : 2), 5_000);
  assert.equal(roundTripP99(slowAtFirst, 2_000_000), 2);
  assert.equal(roundTripP99(slowAtFirst, 3_900_000), undefined);
  assert.ok(of(5_000, () => 1, 1).samples.length <= 400);
});
