import assert from "node:assert/strict";
import { test } from "node:test";
import type { RouteSpec } from "../../src/api/types.ts";
import { claimsOf, winnerOver } from "./conflict.ts";
import { route } from "../../test/fakes/routes.ts";

const to = { url: "http://192.168.1.1" };

test("claimsOf() is host and path, whatever the case, or each port of a range", () => {
  assert.deepEqual(claimsOf({ host: "Films", path: "/", to }), ["films/"]);
  const ports: RouteSpec = { path: "/", listen: { port: 8000, endPort: 8002, protocol: "udp" }, to };
  assert.deepEqual(claimsOf(ports), [":8000/udp", ":8001/udp", ":8002/udp"]);
});

test("the older Route has the name, and of two of one age the first by name", () => {
  const old = route("b", { host: "x", path: "/", to }, "2026-01-01T00:00:00Z");
  const young = route("a", { host: "x", path: "/", to }, "2026-02-01T00:00:00Z");
  assert.equal(winnerOver(young, [old]), "b");
  assert.equal(winnerOver(old, [young]), undefined);
  const twin = route("c", { host: "x", path: "/", to }, "2026-01-01T00:00:00Z");
  assert.equal(winnerOver(twin, [old]), "b");
  assert.equal(winnerOver(old, []), undefined);
});
