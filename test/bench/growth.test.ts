// The counted half of the growth bench, in small: a change costs the same whatever else the house runs. No times are asserted.
import assert from "node:assert/strict";
import { test } from "node:test";
import { growth } from "./growth.ts";

const NODES = 5;
const RATIO_MAX = 2;

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
