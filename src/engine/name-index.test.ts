// An index that is kept name by name must be what one built from nothing would be.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as fc from "fast-check";
import { NameIndex } from "./name-index.ts";

const change = fc.tuple(fc.constantFrom("a", "b", "c"), fc.uniqueArray(fc.constantFrom("x", "y", "z")));

test("an index kept up to date equals one built anew", () => {
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const kept = new NameIndex();
      for (const [name, keys] of changes) kept.set(name, keys);
      const anew = new NameIndex();
      for (const [name, keys] of new Map(changes)) anew.set(name, keys);
      assert.deepEqual(kept.names, anew.names);
    }),
  );
});

test("a key without names is not there", () => {
  const index = new NameIndex();
  index.set("a", ["x"]);
  index.set("a", []);
  assert.equal(index.names.size, 0);
});
