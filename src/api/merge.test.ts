import assert from "node:assert/strict";
import { test } from "node:test";
import { merge } from "./merge.ts";

test("what is applied wins over what is there", () => {
  assert.deepEqual(merge({ image: "a:1" }, { image: "a:3" }, { image: "a:2" }), { image: "a:2" });
});

test("what was applied and is no longer goes; what somebody else set stays", () => {
  assert.deepEqual(merge({ a: 1, b: 1 }, { a: 1, b: 1, c: 1 }, { a: 1 }), { a: 1, c: 1 });
});

test("containers are merged by their names", () => {
  const last = [
    { name: "web", image: "a:1", tty: true },
    { name: "old", image: "b" },
  ];
  const live = [
    { name: "old", image: "b" },
    { name: "web", image: "a:1", tty: true, init: true },
    { name: "theirs", image: "c" },
  ];
  assert.deepEqual(merge(last, live, [{ name: "web", image: "a:2" }]), [
    { name: "web", image: "a:2", init: true },
    { name: "theirs", image: "c" },
  ]);
});

test("volumes are merged by their paths", () => {
  const volume = (path: string, readOnly: boolean): unknown => ({ type: "volume", name: "data", path, readOnly });
  assert.deepEqual(merge([volume("/a", false)], [volume("/a", false), volume("/b", true)], [volume("/a", true)]), [
    volume("/a", true),
    volume("/b", true),
  ]);
});

test("lists of words are replaced as a whole", () => {
  assert.deepEqual(merge(["a"], ["a", "b"], ["c"]), ["c"]);
});

test("a check of another kind takes the whole place of the old one", () => {
  assert.deepEqual(merge({ health: { http: "/" } }, { health: { http: "/", retries: 5 } }, { health: { tcp: 5 } }), { health: { tcp: 5 } });
  const node = { type: "node", node: "nas", path: "/x", source: "/y" };
  assert.deepEqual(merge([], [node], [{ type: "volume", name: "x", path: "/x" }]), [{ type: "volume", name: "x", path: "/x" }]);
});

test("a name such as __proto__ is merged like any other", () => {
  const value: unknown = JSON.parse('{"__proto__": {"a": 1}}');
  assert.deepEqual(merge(value, value, value), value);
  assert.equal(({} as Readonly<Record<string, unknown>>)["a"], undefined);
});
