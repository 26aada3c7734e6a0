import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { RouteSpec } from "../../src/api/types.ts";
import { route } from "../../test/fakes/routes.ts";
import { bucketsOf, wantSame, winnerOver } from "./conflict.ts";

const to = { url: "http://192.168.1.1" };
const zone = "home.internal";
const web = (host: string, path = "/"): RouteSpec => ({ host, path, to });
const raw = (port: number, more: Partial<NonNullable<RouteSpec["listen"]>> = {}, options: Partial<RouteSpec> = {}): RouteSpec => ({
  path: "/",
  listen: { port, protocol: "tcp", ...more },
  to,
  ...options,
});
const secret = (host: string, port?: number): RouteSpec => ({
  host,
  path: "/",
  tls: "passthrough",
  to,
  ...(port !== undefined && { listen: { port, protocol: "tcp" as const } }),
});

const same: readonly (readonly [RouteSpec, RouteSpec])[] = [
  [web("films"), web("Films")],
  [web("films"), web("films.home.internal")],
  [web("films"), web("films.local")],
  [web("films", "/a"), web("films", "/a/")],
  [web("films", "/a/b"), web("films", "/a//./%62")],
  [raw(8000, { endPort: 8010 }), raw(8010)],
  [raw(53, { address: "0.0.0.0" }), raw(53)],
  [raw(53, { address: "fd00::10" }), raw(53, { address: "FD00:0:0:0::0010" })],
  [raw(5432, {}, { allow: ["apps"] }), raw(5432, {}, { allow: ["apps"] })],
  [secret("films"), secret("films.home.internal", 443)],
  [secret("films", 8443), raw(8443)],
];
const different: readonly (readonly [RouteSpec, RouteSpec])[] = [
  [web("films"), web("films.example.org")],
  [web("films"), web("films", "/a")],
  [web("films.home.internal"), web("films.local")],
  [raw(8000, { endPort: 8010 }), raw(8011)],
  [raw(53), raw(53, { protocol: "udp" })],
  [raw(53, { address: "192.168.1.10" }), raw(53)],
  [raw(5432, {}, { allow: ["apps"] }), raw(5432)],
  [secret("films"), secret("music")],
  [secret("films"), web("films")],
  [raw(1883), web("films")],
];

test("one name and path are the same in all their spellings, as is a port in two ranges", () => {
  for (const [a, b] of same) {
    assert.ok(wantSame(a, b, zone) && wantSame(b, a, zone), JSON.stringify([a, b]));
    assert.ok(
      bucketsOf(a).some((bucket) => bucketsOf(b).includes(bucket)),
      `no bucket for ${JSON.stringify([a, b])}`,
    );
  }
  for (const [a, b] of different) assert.ok(!wantSame(a, b, zone) && !wantSame(b, a, zone), JSON.stringify([a, b]));
});

test("what the zone is decides whether a full name is an app's", () => {
  assert.ok(wantSame(web("films"), web("films.example.org"), "example.org"));
});

test("the older Route has the name, and of two of one age the first by name", () => {
  const old = route("b", web("x"), "2026-01-01T00:00:00Z");
  const young = route("a", web("x"), "2026-02-01T00:00:00Z");
  assert.equal(winnerOver(young, [old], zone), "b");
  assert.equal(winnerOver(old, [young], zone), undefined);
  const twin = route("c", web("x"), "2026-01-01T00:00:00Z");
  assert.equal(winnerOver(twin, [old], zone), "b");
  assert.equal(winnerOver(old, [], zone), undefined);
});

test("a Route that has nothing keeps nobody else from it", () => {
  const oldest = route("a", raw(8000), "2026-01-01T00:00:00Z");
  const range = route("b", raw(8000, { endPort: 8010 }), "2026-02-01T00:00:00Z");
  const young = route("c", raw(8010), "2026-03-01T00:00:00Z");
  assert.deepEqual([winnerOver(range, [oldest, young], zone), winnerOver(young, [range, oldest], zone)], ["a", undefined]);
});

test("of any Routes, those that have what they want do not meet, and each that has not meets one that has", () => {
  const spec = fc.oneof(
    fc.constantFrom(...same.flat(), ...different.flat()),
    fc
      .tuple(fc.integer({ min: 1, max: 6 }), fc.nat(3), fc.constantFrom(undefined, "0.0.0.0", "192.168.1.10"))
      .map(([port, more, address]) => raw(port, { endPort: port + more, ...(address !== undefined && { address }) })),
  );
  const created = fc.constantFrom("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z");
  fc.assert(
    fc.property(fc.array(fc.tuple(spec, created), { maxLength: 8 }), (rows) => {
      const routes = rows.map(([each, at], index) => route(`r${index}`, each, at));
      const winners = routes.map((each) =>
        winnerOver(
          each,
          routes.filter((other) => other !== each),
          zone,
        ),
      );
      const holders = routes.filter((_, index) => winners[index] === undefined);
      for (const [index, each] of routes.entries()) {
        const met = holders.filter((holder) => holder !== each && wantSame(holder.spec, each.spec, zone));
        assert.equal(met.length > 0, winners[index] !== undefined);
        if (met.length > 0) assert.ok(met.some(({ metadata }) => metadata.name === winners[index]));
      }
    }),
  );
});
