import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { normalPath } from "./paths.ts";

test("a path is what an app makes of it, whatever its spelling", () => {
  for (const path of [
    "/a/b",
    "/a//b/",
    "/%61/b",
    "/x/../a/b",
    "/x/%2e%2e/a/b",
    "/a\\b",
    "/a/./b?c=d",
    "../../a/b#c",
    "/a;x=y/b;z",
    "/x/..;/a/b",
  ])
    assert.equal(normalPath(path), "/a/b", path);
  assert.equal(normalPath("/%zz/%ff"), "/%zz/%FF");
  assert.equal(normalPath("/%c3%bc"), normalPath("/ü"));
  assert.equal(normalPath(""), "/");
  for (const path of ["/", "/a", "/a/b.c/d-e_f"]) assert.equal(normalPath(`${path}?q=/../x`), path);
  for (const path of ["/.well-known/x", "/a/.b"]) assert.equal(normalPath(path), path);
});

test("a normal path is normal", () => {
  const segments = fc.array(fc.constantFrom("a", "b.c", "..", ".", "", "ü"), { maxLength: 8 });
  fc.assert(fc.property(segments, (list) => assert.equal(normalPath(normalPath(list.join("/"))), normalPath(list.join("/")))));
});
