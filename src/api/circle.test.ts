import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { circleFrom } from "./circle.ts";

const from = (graph: Readonly<Record<string, readonly string[]>>) => (name: string) => circleFrom(name, (each) => graph[each] ?? []);

test("a circle is told from the name that was asked for, the shortest way round", () => {
  const circle = from({ a: ["b", "x"], b: ["c"], c: ["a"], x: ["c"], d: ["a"], e: ["e"] });
  assert.deepEqual(circle("a"), ["a", "b", "c", "a"]);
  assert.deepEqual(circle("x"), ["x", "c", "a", "x"]);
  assert.deepEqual(circle("e"), ["e", "e"]);
});

test("who merely leads to a circle is in none, and unknown names end the way", () => {
  const circle = from({ a: ["b"], b: ["c"], c: ["b", "nobody"] });
  assert.equal(circle("a"), undefined);
  assert.equal(circle("nobody"), undefined);
});

test("a circle is found exactly where a name can be reached from itself, and each of its steps is there", () => {
  const names = fc.constantFrom<string>("a", "b", "c", "d", "e");
  fc.assert(
    fc.property(fc.dictionary(names, fc.uniqueArray(names)), names, (graph, name) => {
      const reached = new Set(graph[name] ?? []);
      for (const each of reached) for (const next of graph[each] ?? []) reached.add(next);
      const circle = from(graph)(name);
      assert.equal(circle !== undefined, reached.has(name));
      circle?.slice(1).forEach((next, index) => assert(graph[circle[index] ?? ""]?.includes(next)));
    }),
  );
});
