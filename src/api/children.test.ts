import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { children } from "./children.ts";
import { parseManifests } from "./manifest.ts";
import type { AnyResource, Resource } from "./resource.ts";

function resource(kind: string, name: string, spec: object): AnyResource {
  const text = JSON.stringify({ apiVersion: "fossora.dev/v1", kind, metadata: { name, labels: { group: "x" } }, spec });
  const { manifests, problems } = parseManifests([{ file: "a.json", text }]);
  assert.deepEqual(problems, []);
  const [manifest] = manifests;
  assert.ok(manifest);
  const { apiVersion, kind: parsed, metadata, spec: stored } = manifest.object;
  return {
    apiVersion,
    kind: parsed,
    spec: stored,
    metadata: { ...metadata, uid: "u1", generation: 3, resourceVersion: "42", creationTimestamp: "2026-01-01T00:00:00Z" },
  } as AnyResource; // from a checked manifest
}

const names = (resources: readonly AnyResource[]): readonly string[] => resources.map(({ kind, metadata }) => `${kind}/${metadata.name}`);

test("a Service with a port has a Route of its name, which has a DnsRecord of its name", () => {
  const [route, ...more] = children(resource("Service", "jellyfin", { image: "a:1", port: 8096 }), "home.internal");
  assert.ok(route);
  assert.deepEqual(more, []);
  assert.deepEqual(route, {
    apiVersion: "fossora.dev/v1",
    kind: "Route",
    metadata: {
      name: "jellyfin",
      labels: { group: "x" },
      uid: "u1",
      generation: 3,
      resourceVersion: "42",
      creationTimestamp: "2026-01-01T00:00:00Z",
      owner: "Service/jellyfin",
    },
    spec: { host: "jellyfin", path: "/", to: { service: "jellyfin", container: "jellyfin", port: 8096 } },
  });
  const [record] = children(route, "home.internal");
  assert.equal(record?.metadata.owner, "Route/jellyfin");
  assert.deepEqual(record?.spec, { name: "jellyfin", type: "A", ttl: "5s" });
});

test("routes take the place of the Route that follows from port, and an empty list hides the app", () => {
  const spec = { image: "a:1", port: 80, routes: [{ allow: ["lan"] }, { host: "photos.example.com", path: "/api/v1" }] };
  const routes = children(resource("Service", "app", spec), "home.internal");
  assert.deepEqual(names(routes), ["Route/app", "Route/app-photos-example-com-api-v1"]);
  assert.deepEqual(routes[0]?.spec, { allow: ["lan"], host: "app", path: "/", to: { service: "app", container: "app", port: 80 } });
  assert.deepEqual(children(resource("Service", "app", { image: "a:1", port: 80, routes: [] }), "home.internal"), []);
});

test("each listened port is a Route, and its Service's name leads to it", () => {
  const routes = children(
    resource("Service", "game", { image: "a:1", listen: ["25565", "8000-8010/udp", { port: 5432, allow: ["apps"] }] }),
    "home.internal",
  );
  assert.deepEqual(names(routes), ["Route/game-25565-tcp", "Route/game-8000-8010-udp", "Route/game-5432-tcp"]);
  assert.deepEqual(routes[2]?.spec, {
    path: "/",
    listen: { port: 5432, protocol: "tcp" },
    to: { service: "game", container: "game", port: 5432 },
    allow: ["apps"],
  });
  const records = routes.flatMap((route) => children(route, "home.internal"));
  assert.deepEqual(new Set(names(records)), new Set(["DnsRecord/game"]));
});

const routesOf = (spec: object): readonly Resource<"Route">[] =>
  children(resource("Service", "shop", { image: "a:1", port: 80, ...spec }), "home.internal").filter((each) => each.kind === "Route");

test("two routes of a Service that would be called alike have names of their own, in whatever order they stand", () => {
  const basicAuth = [{ user: "anna", hash: "scrypt:c2FsdHNhbHRzYWx0c2E=:aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g=" }];
  const admin = [{}, { path: "/admin", basicAuth }, { host: "admin" }];
  const routes = routesOf({ routes: admin });
  assert.deepEqual(
    routes.map(({ metadata, spec: { host, path, basicAuth: asked } }) => [metadata.name, host, path, asked !== undefined]),
    [
      ["shop", "shop", "/", false],
      ["shop-admin", "shop", "/admin", true],
      ["shop-admin-y44ugs", "admin", "/", false],
    ],
  );
  assert.deepEqual(new Set(names(routesOf({ routes: admin.toReversed() }))), new Set(names(routes)));
  const alike: readonly object[] = [
    { routes: [{ path: "/api/v1", basicAuth }, { path: "/api-v1" }] },
    { routes: [{ path: "/API/v1", basicAuth }, { path: "/API-v1" }] },
    { routes: [{ host: "a.b" }, { host: "a-b" }] },
    { routes: [{ host: "a", path: "/b" }, { host: "a.b" }] },
    { routes: [{ path: "/1883-tcp" }], listen: ["1883"] },
  ];
  for (const spec of alike) assert.equal(new Set(names(routesOf(spec))).size, 2, JSON.stringify(spec));
});

test("of any routes of a Service each is a Route, with a name of its own", () => {
  const part = fc.constantFrom("a", "b", "a-b", "A");
  const path = fc.array(fc.oneof(part, fc.constantFrom("a.b", "ü")), { maxLength: 3 }).map((parts) => `/${parts.join("/")}`);
  const host = fc.array(fc.constantFrom("a", "b", "a-b", "shop"), { minLength: 1, maxLength: 3 }).map((parts) => parts.join("."));
  const selector = (each: { readonly host: string; readonly path: string }): string => `${each.host}${each.path}`;
  fc.assert(
    fc.property(fc.uniqueArray(fc.record({ host, path }), { selector, minLength: 1, maxLength: 12 }), (wanted) => {
      const routes = routesOf({ routes: wanted });
      assert.deepEqual(
        routes.map(({ spec }) => `${spec.host}${spec.path}`),
        wanted.map(selector),
      );
      assert.equal(new Set(names(routes)).size, wanted.length);
      assert.deepEqual(new Set(names(routesOf({ routes: wanted.toReversed() }))), new Set(names(routes)));
    }),
  );
});

test("a Route of its own for a raw port has its own name", () => {
  const [record] = children(resource("Route", "mqtt", { listen: "1883/tcp", to: "service/mosquitto:1883" }), "home.internal");
  assert.deepEqual([record?.metadata.name, record?.spec], ["mqtt", { name: "mqtt", type: "A", ttl: "5s" }]);
});

test("a host is a record while the house answers for its zone", () => {
  const record = (host: string): unknown => children(resource("Route", "r", { host, to: "service/x" }), "home.internal")[0]?.spec;
  assert.deepEqual(record("a.b.home.internal"), { name: "a.b", type: "A", ttl: "5s" });
  assert.deepEqual(record("home.internal"), { name: "home.internal.", type: "A", ttl: "5s" });
  assert.equal(record("photos.example.com"), undefined);
});

test("records, members and the house have no children", () => {
  const others = [resource("DnsRecord", "x", { values: ["10.0.0.1"] }), resource("Membership", "nas", {}), resource("House", "house", {})];
  assert.deepEqual(
    others.flatMap((each) => children(each, "home.internal")),
    [],
  );
});
