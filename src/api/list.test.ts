import assert from "node:assert/strict";
import { test } from "node:test";
import { objectsIn } from "./list.ts";
import { plainValue } from "./yaml-node.ts";
import { readYaml } from "./yaml.ts";

const objects = (text: string): readonly unknown[] => readYaml(text).documents.flatMap(objectsIn).map(plainValue);

test("a List stands for its items, also for those of a List in it", () => {
  assert.deepEqual(objects("{ kind: List, items: [{ kind: A }, { kind: List, items: [{ kind: B }, 5] }] }"), [
    { kind: "A" },
    { kind: "B" },
    5,
  ]);
  assert.deepEqual(objects("{ kind: List, items: [] }"), []);
});

test("what the house makes by itself is left out of a List", () => {
  const derived = "{ kind: Route, metadata: { name: app, owner: Service/app } }";
  assert.deepEqual(objects(`{ kind: List, items: [{ kind: Instance }, ${derived}, { kind: Event }, { kind: Route }] }`), [
    { kind: "Route" },
  ]);
});

test("what is no List, or has no items, stays as it is", () => {
  for (const text of ["{ kind: Route, items: [5] }", "{ kind: Event }", "{ kind: List }", "{ kind: List, items: {} }", "[{ kind: List }]"])
    assert.deepEqual(objects(text), readYaml(text).documents.map(plainValue));
});
