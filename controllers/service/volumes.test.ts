import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import { decided, houseFacts, seen } from "../../test/fakes/facts.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { containerSpec, put, serviceSpec } from "../../test/fakes/objects.ts";
import { isRemembered, newVolume, readVolume, takenVolumes, withMade, withOwner } from "./volumes.ts";

const volume = { node: "nas", uid: "u", made: false };

test("readVolume() is what was decided, or nothing", () => {
  assert.deepEqual(readVolume({ value: JSON.stringify(volume) }), volume);
  assert.equal(readVolume(undefined), undefined);
});

test("withMade() marks a Volume, and in a Service only those that were made", () => {
  assert.deepEqual(JSON.parse(withMade(JSON.stringify(volume), ["a"], "app")), { ...volume, made: true });
  const service = decided("app", serviceSpec("app", "app:1"), [], { volumes: { a: volume, b: volume } });
  assert.deepEqual(JSON.parse(withMade(JSON.stringify(service), ["a"], "app")), {
    ...service,
    volumes: { a: { ...volume, made: true }, b: volume },
  });
});

test("a Volume is its Service's that is called after it, and of one without an owner the Service remembers that", () => {
  assert.equal(newVolume("app-a", "app", { node: "nas", uid: "u" }).owner, "app");
  assert.equal(newVolume("media", "app", { node: "nas", uid: "u" }).owner, undefined);
  const old = { ...volume, made: true };
  assert.deepEqual([isRemembered("app-a", old, "app"), isRemembered("media", old, "app")], [false, true]);
  assert.deepEqual(JSON.parse(withMade(JSON.stringify(old), ["app-a"], "app")), { ...old, owner: "app" });
  const owned = { ...old, owner: "app-b" };
  assert.deepEqual(JSON.parse(withMade(JSON.stringify(owned), ["app-b-c"], "app")), owned);
});

const database = serviceSpec("cloud-db", "", {
  containers: [containerSpec("db", "db:1", { volumes: [{ type: "volume", name: "data", path: "/d", readOnly: false }] })],
});

test("takenVolumes() are those that another Service made, also while nobody has asked the store", () => {
  const name = "cloud-db-data";
  const taken = (over: Parameters<typeof houseFacts>[0]) => takenVolumes("cloud-db", database, houseFacts(over));
  const of = (owner?: string) => ({ volumes: { [name]: { ...volume, ...(owner !== undefined && { owner }) } } });
  const before = { decided: seen(decided("cloud-db", database, [], { takenVolumes: { [name]: "cloud" } })) };
  assert.deepEqual(taken(of("cloud")), { [name]: "cloud" });
  assert.deepEqual(taken(of("cloud-db")), {}, "its own, from before it was deleted");
  assert.deepEqual(taken(of()), {}, "nobody knows whose it is");
  assert.deepEqual(taken(before), { [name]: "cloud" });
  assert.deepEqual(taken({ ...before, ...of() }), { [name]: "cloud" });
  assert.deepEqual(taken({ ...before, volumes: { [name]: undefined } }), {}, "it is gone");
  assert.deepEqual(taken({ ...of("cloud"), decided: seen(decided("cloud-db", database, [], of("cloud"))) }), {}, "it had it all along");
});

test("withOwner() is of what an earlier release recorded the Service that has it", async () => {
  const name = "cloud-db-data";
  const mirror = await mirrorOf((etcd) => {
    put(etcd, keys.decided("Service", "cloud"), decided("cloud", serviceSpec("cloud", "a:1"), [], { volumes: { [name]: volume } }));
    put(etcd, keys.decided("Service", "copy"), decided("copy", serviceSpec("copy", "a:1"), [], { volumes: { [name]: volume, x: volume } }));
  });
  assert.equal(withOwner(name, volume, mirror)?.owner, "cloud");
  assert.equal(withOwner(name, { ...volume, owner: "cloud-db" }, mirror)?.owner, "cloud-db");
  assert.equal(withOwner("x", volume, mirror)?.owner, undefined, "that is shared");
  assert.equal(withOwner(name, undefined, mirror), undefined);
});
