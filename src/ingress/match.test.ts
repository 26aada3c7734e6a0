import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { HttpRoute } from "../api/table.ts";
import { normalPath } from "../api/paths.ts";
import { compileRouter } from "./match.ts";

const route = (name: string, host: string, path = "/"): HttpRoute => ({
  name,
  host,
  path,
  backends: [],
  holdMs: 0,
  forwardedHeaders: "standard",
});
const routerOf = (...http: readonly HttpRoute[]) => compileRouter({ zone: "home.internal", http });

test("a single label answers in the zone, in .local and bare, whatever the case, the port or a trailing dot", () => {
  const router = routerOf(route("jellyfin", "jellyfin"));
  for (const host of [
    "jellyfin.home.internal",
    "jellyfin.local",
    "jellyfin",
    "JellyFin.Home.Internal:8080",
    "jellyfin.home.internal.",
    "jellyfin.home.internal.:80",
  ]) {
    assert.equal(router.find(host, "/")?.name, "jellyfin", host);
  }
});

test("a full name answers only as it stands", () => {
  const router = routerOf(route("photos", "photos.example.org"));
  assert.equal(router.find("photos.example.org", "/")?.name, "photos");
  for (const host of ["photos", "photos.home.internal", "photos.local"]) assert.equal(router.find(host, "/"), undefined, host);
});

test("an unknown, empty or missing host has no route", () => {
  const router = routerOf(route("jellyfin", "jellyfin"));
  for (const host of ["", "other", "home.internal", ".home.internal", "x.jellyfin.home.internal", undefined])
    assert.equal(router.find(host, "/"), undefined);
});

test("the longest path wins, at the bounds of a segment", () => {
  const router = routerOf(route("all", "app"), route("api", "app", "/api"), route("v2", "app", "/api/v2/"));
  const expected = {
    "/": "all",
    "/apix": "all",
    "/api": "api",
    "/api?x=/api/v2": "api",
    "/api/v2": "v2",
    "/api/v2/": "v2",
    "/api/v2/users": "v2",
    "/api/v22": "api",
  };
  for (const [path, name] of Object.entries(expected)) assert.equal(router.find("app", path)?.name, name, path);
});

test("no spelling of a path leads past the route that an app would see it under", () => {
  const router = routerOf(route("open", "app"), route("private", "app", "/private"));
  for (const path of [
    "/private/x",
    "/open/../private/x",
    "/%70rivate/x",
    "//private/x",
    "/./private/x",
    "/open/%2e%2e/private",
    "/open\\..\\private",
    "/open/%2e%2e%2fprivate",
    "/%70rivate/%ff",
    "/%70rivate/%zz",
    "/private;x=y/z",
    "/open/..;/private",
    "/open/..;x=y\\private",
    "/;x/private",
  ]) {
    assert.equal(router.find("app", path)?.name, "private", path);
  }
});

test("a route's own path may be spelt in any way", () => {
  const router = routerOf(route("all", "app"), route("odd", "app", "//a/./b/../c%20d/"));
  assert.deepEqual([router.find("app", "/a/c%20d/x")?.name, router.find("app", "/a/b")?.name], ["odd", "all"]);
  const accented = routerOf(route("all", "app"), route("accented", "app", "/fotos/ü"));
  assert.deepEqual([accented.find("app", "/fotos/%C3%bc")?.name, accented.find("app", "/fotos/%fc")?.name], ["accented", "all"]);
});

test("of two routes with one host and path the first of the table wins", () => {
  assert.equal(routerOf(route("a", "app"), route("b", "app")).find("app", "/")?.name, "a");
});

test("any request to any table finds the same route twice, and one that covers it", () => {
  const label = fc.constantFrom("a", "b", "A.", "a.home.internal", "x.y");
  const path = fc.constantFrom("/", "/a", "/a/b", "/a/", "/a/../b", "/%2e%2e/a", "//", "/%zz");
  fc.assert(
    fc.property(fc.array(fc.tuple(label, path)), fc.oneof(label, fc.string()), fc.oneof(path, fc.string()), (rows, host, target) => {
      const router = routerOf(...rows.map(([name, prefix], index) => route(String(index), name, prefix)));
      const found = router.find(host, target);
      assert.equal(router.find(host, target), found);
      if (found !== undefined) assert.ok(`${normalPath(target)}/`.startsWith(`${normalPath(found.path)}/`.replace("//", "/")));
    }),
  );
});
