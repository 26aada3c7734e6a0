import assert from "node:assert/strict";
import { posix } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import type { HttpRoute } from "../api/table.ts";
import { normalPath } from "../api/paths.ts";
import { compileRouter, type Found } from "./match.ts";

const route = (name: string, host: string, path = "/"): HttpRoute => ({
  name,
  host,
  path,
  backends: [],
  holdMs: 0,
  forwardedHeaders: "standard",
});
const routerOf = (...http: readonly HttpRoute[]) => compileRouter({ zone: "home.internal", http });

const REFUSED = "refused";
const nameOf = (found: Found): string => (found === "ambiguous" ? REFUSED : (found?.name ?? "none"));

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
    assert.equal(nameOf(router.find(host, "/")), "jellyfin", host);
  }
});

test("a full name answers only as it stands", () => {
  const router = routerOf(route("photos", "photos.example.org"));
  assert.equal(nameOf(router.find("photos.example.org", "/")), "photos");
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
  for (const [path, name] of Object.entries(expected)) assert.equal(nameOf(router.find("app", path)), name, path);
});

test("no spelling of a path leads past the route that an app would see it under", () => {
  const router = routerOf(route("open", "app"), route("private", "app", "/private"));
  for (const path of [
    "/private/x",
    "/private/%ff",
    "/private/%zz",
    "/private/%2e",
    "/private//x",
    "/private/a%2Fb/..%5c",
    "/private/a;b=c",
  ])
    assert.equal(nameOf(router.find("app", path)), "private", path);
  for (const path of [
    "/open/../private/x",
    "/%70rivate/x",
    "//private/x",
    "/./private/x",
    "/open/%2e%2e/private",
    "/open\\..\\private",
    "/open/%2e%2e%2fprivate",
    "/private;x=y/z",
    "/open/..;/private",
    "/open/..;x=y\\private",
    "/;x/private",
    "/private%2fx",
    "/private/../open",
    "/private/%2e%2E/open",
    "/private/x%2f..%2f..%2fopen",
    "/private;/../open",
    "/x/../private%2f..%2fopen",
  ]) {
    assert.equal(nameOf(router.find("app", path)), REFUSED, path);
  }
});

test("a path that can be read in two ways is refused only where that leads to two routes", () => {
  const router = routerOf(route("all", "app"), route("api", "app", "/api"), route("only", "only"));
  for (const path of ["/Fotos/%C3%BCber%20uns/a%2Fb.jpg", "/a;b=c/d", "/a//b", "/a/../b", "/.well-known/x", "/ü", "/100%25", "*", ""])
    assert.equal(nameOf(router.find("app", path)), "all", path);
  for (const path of ["/api/v4/projects/group%2Fproject/../x", "/api/%61", "/api/a;b/..;/c"])
    assert.equal(nameOf(router.find("app", path)), "api", path);
  for (const path of ["/api/../x", "/%61pi", "//x/../api"]) {
    assert.equal(nameOf(router.find("app", path)), REFUSED, path);
    assert.equal(nameOf(router.find("only", path)), "only", path);
  }
});

test("what can be read in more ways than any browser writes is refused", () => {
  const router = routerOf(route("all", "app"), route("api", "app", "/api"));
  const path = "/a;b/%2e%2e%5c..;c%2f//%2f./x/..\\..;/y";
  assert.equal(nameOf(router.find("app", path)), REFUSED);
  assert.equal(nameOf(routerOf(route("all", "app")).find("app", path)), "all");
});

/** What apps make of a path, each in its own way. */
const APPS: readonly ((path: string) => string)[] = [
  (path) => path,
  (path) => decodeURIComponent(path),
  (path) => path.replace(/;[^/]*/g, ""),
  (path) => decodeURIComponent(path.replace(/;[^/]*/g, "")),
  (path) => new URL(`http://app${path}`).pathname,
  (path) => decodeURIComponent(new URL(`http://app${path}`).pathname),
  (path) => posix.normalize(decodeURIComponent(path)),
  (path) => posix.normalize(decodeURIComponent(path.replace(/;[^/]*/g, ""))),
  (path) => decodeURIComponent(path).replace(/\/+/g, "/"),
];

test("no app sees a path under another route than the one that was found", () => {
  const piece = fc.constantFrom("a", "b", "%61", "/", "/", "%2f", "..", ".", "%2e", "%2E.", "\\", "%5C", ";", ";a", "c", "%20", "%c3%bc");
  const bases = ["/", "/a", "/a/b", "/b"];
  const router = routerOf(...bases.map((base) => route(base, "app", base)));
  const longest = (path: string): string => bases.findLast((base) => base === "/" || path === base || path.startsWith(`${base}/`)) ?? "/";
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const path = `/${pieces.join("")}`;
      const found = nameOf(router.find("app", path));
      if (found === REFUSED) return;
      for (const app of APPS) assert.equal(longest(app(path)), found, `${path} as ${app(path)}`);
    }),
    { numRuns: 5_000 },
  );
});

test("a route's own path may be spelt in any way", () => {
  const router = routerOf(route("all", "app"), route("odd", "app", "//a/./b/../c%20d/"));
  assert.deepEqual([nameOf(router.find("app", "/a/c%20d/x")), nameOf(router.find("app", "/a/b"))], ["odd", "all"]);
  const accented = routerOf(route("all", "app"), route("accented", "app", "/fotos/ü"));
  assert.deepEqual([nameOf(accented.find("app", "/fotos/%C3%bc")), nameOf(accented.find("app", "/fotos/%fc"))], ["accented", "all"]);
});

test("of two routes with one host and path the first of the table wins", () => {
  const router = routerOf(route("a", "app"), route("b", "app"), route("c", "app", "/c"));
  assert.deepEqual([nameOf(router.find("app", "/")), router.root("App.local:80")?.name, router.root("other")], ["a", "a", undefined]);
});

test("any request to any table finds the same route twice, and one that covers it", () => {
  const label = fc.constantFrom("a", "b", "A.", "a.home.internal", "x.y");
  const path = fc.constantFrom("/", "/a", "/a/b", "/a/", "/a/../b", "/%2e%2e/a", "//", "/%zz");
  fc.assert(
    fc.property(fc.array(fc.tuple(label, path)), fc.oneof(label, fc.string()), fc.oneof(path, fc.string()), (rows, host, target) => {
      const router = routerOf(...rows.map(([name, prefix], index) => route(String(index), name, prefix)));
      const found = router.find(host, target);
      assert.equal(router.find(host, target), found);
      if (found !== undefined && found !== "ambiguous")
        assert.ok(`${normalPath(target)}/`.startsWith(`${normalPath(found.path)}/`.replace("//", "/")));
    }),
  );
});
