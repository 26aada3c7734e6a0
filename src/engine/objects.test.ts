// Derived children: they follow their owner, and a stored object of their name takes their place.
import assert from "node:assert/strict";
import { test } from "node:test";
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

test("another zone derives the records anew", () => {
  const objects = new Objects();
  const route = object("Route", "films", { host: "films.example.com", path: "/", to: { url: "http://192.168.1.9" } });
  set(objects, route);
  assert.equal(objects.get("DnsRecord", "films"), undefined);
  set(objects, object("House", "house", { zone: "example.com", joining: "auto" }));
  assert.equal(objects.get("DnsRecord", "films")?.spec.name, "films");
});
