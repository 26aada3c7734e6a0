import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { UnderWay } from "./under-way.ts";

interface Item {
  readonly name: number;
  place: number;
}

test("it holds what a Set would hold, whatever comes and goes in whatever order", () => {
  const steps = fc.array(fc.tuple(fc.boolean(), fc.nat(9)), { maxLength: 60 });
  fc.assert(
    fc.property(steps, (all) => {
      const items = Array.from({ length: 10 }, (_, name): Item => ({ name, place: -1 }));
      const oracle = new Set<Item>();
      const underWay = new UnderWay<Item>();
      for (const [comes, index] of all) {
        const item = items[index] ?? { name: -1, place: -1 };
        if (comes && !oracle.has(item)) {
          oracle.add(item);
          underWay.add(item);
        } else if (!comes) {
          oracle.delete(item);
          underWay.delete(item);
        }
        assert.deepEqual(new Set(underWay), oracle);
        assert.equal([...underWay].length, oracle.size);
      }
    }),
  );
});
