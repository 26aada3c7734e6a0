// Derived children: they follow their owner, and a stored object of their name takes their place.
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { serviceSpec } from "../../test/fakes/objects.ts";
import { API_VERSION, type AnyResource, type Kind, type Name, type Resource, type Specs } from "../api/resource.ts";
import { Objects } from "./objects.ts";

function object<K extends Kind>(kind: K, name: Name, spec: Specs[K]): Resource<K> {
  const metadata = { name, uid: `uid-${name}`, generation: 1, resourceVersion: "1", creationTimestamp: "2026-01-01T00:00:00Z" };
  return { apiVersion: API_VERSION, kind, metadata, spec };
}

const set = (objects: Objects, resource: Resource): readonly string[] =>
  objects.set({ kind: resource.kind, name: resource.metadata.name }, resource as AnyResource).map(({ kind, name }) => `${kind}/${name}`);
const unset = (objects: Objects, kind: Kind, name: Name): readonly string[] =>
  objects.set({ kind, name }, undefined).map((changed) => `${changed.kind}/${changed.name}`);
const jellyfin = object("Service", "jellyfin", serviceSpec("jellyfin", "jellyfin:10"));

test("a Service brings its Route and its DnsRecord, and takes them with it", () => {
  const objects = new Objects();
  assert.deepEqual(set(objects, jellyfin), ["Service/jellyfin", "Route/jellyfin", "DnsRecord/jellyfin"]);
  assert.equal(objects.get("Route", "jellyfin")?.metadata.owner, "Service/jellyfin");
  assert.equal(objects.get("DnsRecord", "jellyfin")?.metadata.owner, "Route/jellyfin");
  assert.deepEqual(unset(objects, "Service", "jellyfin"), ["Service/jellyfin", "Route/jellyfin", "DnsRecord/jellyfin"]);
  assert.equal(objects.all("DnsRecord").size, 0);
});

test("a Route without a port any more takes its DnsRecord with it", () => {
  const objects = new Objects();
  set(objects, jellyfin);
  const { port: _, ...hidden } = jellyfin.spec;
  set(objects, object("Service", "jellyfin", hidden));
  assert.deepEqual([...objects.all("Route").keys(), ...objects.all("DnsRecord").keys()], []);
});

test("an applied object shadows the child of its name, and deleting it brings the child back", () => {
  const objects = new Objects();
  const own = object("Route", "jellyfin", { host: "films", path: "/", to: { url: "http://192.168.1.9" } });
  set(objects, own);
  set(objects, jellyfin);
  assert.equal(objects.get("Route", "jellyfin"), own);
  assert.equal(objects.get("DnsRecord", "jellyfin")?.spec.name, "films");
  assert.deepEqual(unset(objects, "Route", "jellyfin"), ["Route/jellyfin", "DnsRecord/jellyfin"]);
  assert.equal(objects.get("Route", "jellyfin")?.metadata.owner, "Service/jellyfin");
  assert.equal(objects.get("DnsRecord", "jellyfin")?.spec.name, "jellyfin");
});

test("a change says what each object was before, children included", () => {
  const objects = new Objects();
  set(objects, jellyfin);
  const changed = objects.set({ kind: "Service", name: "jellyfin" }, undefined);
  assert.deepEqual(
    changed.map(({ before }) => before?.kind),
    ["Service", "Route", "DnsRecord"],
  );
  assert.equal(objects.set({ kind: "Service", name: "jellyfin" }, jellyfin)[0]?.before, undefined);
});

test("of two owners that derive a child of one name every node chooses the same", () => {
  const listen = (port: number) => [{ port, protocol: "tcp" as const, container: "mqtt", targetPort: port }];
  const { port: _, ...spec } = serviceSpec("mqtt", "mqtt:2", { listen: [...listen(1883), ...listen(8883)] });
  const both = new Objects();
  set(both, object("Service", "mqtt", spec));
  assert.equal(both.all("Route").size, 2);
  assert.equal(both.get("DnsRecord", "mqtt")?.metadata.owner, [...both.all("Route").keys()].sort().map((name) => `Route/${name}`)[0]);
});

const shown = (objects: Objects, kind: "Route" | "DnsRecord"): readonly string[] =>
  [...objects.all(kind).values()].map(({ metadata }) => `${metadata.name} of ${metadata.owner}`).sort();
const since = <K extends Kind>(resource: Resource<K>, creationTimestamp: string): Resource<K> => ({
  ...resource,
  metadata: { ...resource.metadata, creationTimestamp },
});
const web = { container: "app", port: 80 };
const shop = object("Service", "shop", serviceSpec("shop", "shop:1", { routes: [{ host: "admin", path: "/", port: web }] }));
const shopAdmin = object("Service", "shop-admin", serviceSpec("shop-admin", "admin:1"));

test("of two Services whose Routes would be called alike the older one's has the name, and the other one's another", () => {
  const [older, younger] = [since(shopAdmin, "2025-01-01T00:00:00Z"), shop];
  const [first, second] = [new Objects(), new Objects()];
  for (const each of [older, younger]) set(first, each);
  for (const each of [younger, older]) set(second, each);
  for (const objects of [first, second]) {
    assert.deepEqual(shown(objects, "Route"), ["shop-admin of Service/shop-admin", "shop-admin-6nakq3 of Service/shop"]);
    assert.deepEqual(shown(objects, "DnsRecord"), ["shop-admin of Route/shop-admin", "shop-admin-6nakq3 of Route/shop-admin-6nakq3"]);
    assert.equal(objects.get("Route", "shop-admin-6nakq3")?.spec.host, "admin");
  }
  assert.deepEqual(unset(first, "Service", "shop"), ["Service/shop", "Route/shop-admin-6nakq3", "DnsRecord/shop-admin-6nakq3"]);
  assert.deepEqual(shown(first, "Route"), ["shop-admin of Service/shop-admin"]);
  unset(second, "Service", "shop-admin");
  assert.deepEqual(shown(second, "Route"), ["shop-admin of Service/shop"]);
  assert.equal(second.get("DnsRecord", "shop-admin")?.spec.name, "admin");
});

test("an applied Route takes the place of the older Service's, and the other one's keeps its own name", () => {
  const objects = new Objects();
  const own = object("Route", "shop-admin", { host: "films", path: "/", to: { url: "http://192.168.1.9" } });
  for (const each of [shop, shopAdmin, own]) set(objects, each);
  assert.deepEqual(shown(objects, "Route"), ["shop-admin of undefined", "shop-admin-mvo3lc of Service/shop-admin"]);
  unset(objects, "Route", "shop-admin");
  assert.deepEqual(shown(objects, "Route"), ["shop-admin of Service/shop", "shop-admin-mvo3lc of Service/shop-admin"]);
});

test("no Service loses a Route or its name by what another one is called, in whatever order they come and go", () => {
  const label = fc.constantFrom("a", "b", "a-b", "a-b-a", "b-a");
  const route = fc.record({ host: label, path: fc.constantFrom("/", "/a", "/a/b", "/b"), port: fc.constant(web) });
  const service = fc
    .record({
      name: label,
      routes: fc.uniqueArray(route, { selector: ({ host, path }) => host + path, maxLength: 4 }),
      year: fc.constantFrom("2024", "2025"),
    })
    .map(({ name, routes, year }) => since(object("Service", name, serviceSpec(name, "a:1", { routes })), `${year}-01-01T00:00:00Z`));
  fc.assert(
    fc.property(fc.array(service, { maxLength: 8 }), fc.array(label, { maxLength: 3 }), (services, removed) => {
      const objects = new Objects();
      for (const each of services) set(objects, each);
      for (const name of removed) unset(objects, "Service", name);
      const rest = [...objects.all("Service").values()];
      const anew = new Objects();
      for (const each of rest.toReversed()) set(anew, each);
      for (const kind of ["Route", "DnsRecord"] as const) assert.deepEqual(shown(objects, kind), shown(anew, kind));
      const wanted = rest.flatMap(({ spec, metadata }) => (spec.routes ?? []).map(({ host, path }) => `${metadata.name} ${host}${path}`));
      const found = [...objects.all("Route").values()].map(({ spec }) =>
        "service" in spec.to ? `${spec.to.service} ${spec.host}${spec.path}` : "",
      );
      assert.deepEqual(found.sort(), wanted.sort());
      const names = new Set(rest.flatMap(({ spec }) => (spec.routes ?? []).map(({ host }) => host)));
      assert.deepEqual(new Set([...objects.all("DnsRecord").values()].map(({ spec }) => spec.name)), names);
    }),
  );
});

test("another zone derives the records anew", () => {
  const objects = new Objects();
  const route = object("Route", "films", { host: "films.example.com", path: "/", to: { url: "http://192.168.1.9" } });
  set(objects, route);
  assert.equal(objects.get("DnsRecord", "films"), undefined);
  set(objects, object("House", "house", { zone: "example.com", joining: "auto" }));
  assert.equal(objects.get("DnsRecord", "films")?.spec.name, "films");
});
