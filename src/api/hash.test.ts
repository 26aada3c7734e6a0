import assert from "node:assert/strict";
import { test } from "node:test";
import { canonicalJson, hash, instanceId, specHash } from "./hash.ts";

test("equal values have one text, whatever the order of their fields", () => {
  assert.equal(canonicalJson({ b: [{ d: 1, c: 2 }], a: undefined }), '{"b":[{"c":2,"d":1}]}');
  assert.equal(canonicalJson({ ["__proto__"]: 1 }), "{}".replace("}", '"__proto__":1}'));
});

test("a spec hash does not see absent fields and the order of the others", () => {
  assert.equal(specHash({ image: "a", port: undefined, name: "x" }), specHash({ name: "x", image: "a" }));
  assert.notEqual(specHash({ image: "a" }), specHash({ image: "b" }));
});

test("hashes do not change between releases: containers would restart", () => {
  assert.equal(hash("fossora"), "lg4ied6mnxoxvdb6");
});

test("instance ids are four characters and differ with the serial", () => {
  const ids = Array.from({ length: 100 }, (_, serial) => instanceId("jellyfin", "uid", serial));
  assert.ok(ids.every((id) => /^[a-z2-7]{4}$/.test(id)));
  assert.ok(new Set(ids).size > 95);
});
