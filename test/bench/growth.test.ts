// The growth bench without its times, in small: a change costs the same whatever else the house runs, and memory grows in a line.
import assert from "node:assert/strict";
import { test } from "node:test";
import { growth } from "./growth.ts";

const NODES = 5;
const RATIO_MAX = 2;
const SIZES = [10, 40, 160] as const;
/** Measured: 0.8 to 1.1; were it in a square, 4. */
const STRAIGHT_MAX = 2;

test("one change costs the house as much work with 10 Services as with 120", async () => {
  const small = await growth({ services: 10, nodes: NODES });
  const large = await growth({ services: 120, nodes: NODES });
  for (const figure of ["looks", "rows", "writes", "dockerCalls"] as const) {
    assert(small[figure] > 0, `nothing was counted as ${figure}`);
    const ratio = large[figure] / small[figure];
    assert(
      ratio < RATIO_MAX && ratio > 1 / RATIO_MAX,
      `${figure}: ${small[figure]} with ${small.services} Services, ${large[figure]} with ${large.services}`,
    );
  }
});

test("memory grows in a straight line with the Services of the house", async () => {
  // What the first one compiles stays.
  await growth({ services: SIZES[0], nodes: NODES });
  const heaps: number[] = [];
  for (const services of SIZES) heaps.push((await growth({ services, nodes: NODES })).heapBytes);
  const [small = 0, middle = 0, large = 0] = heaps;
  const [early, late] = [(middle - small) / (SIZES[1] - SIZES[0]), (large - middle) / (SIZES[2] - SIZES[1])];
  assert(late < early * STRAIGHT_MAX, `${early} bytes a Service, then ${late}`);
});
