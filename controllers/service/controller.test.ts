// The Service's controller under the real engine, on a fake store and a fake Docker: what it takes from an apply to an app that is ready.
import assert from "node:assert/strict";
import { test } from "node:test";
import { LABEL } from "../../src/api/labels.ts";
import { keys, PREFIX } from "../../src/api/keys.ts";
import type { DecidedService, DecidedVolume } from "../../src/api/state.ts";
import type { Container, ServiceSpec } from "../../src/api/types.ts";
import { RESYNC_MS } from "../../src/engine/engine.ts";
import type { FakeImage } from "../../test/fakes/containers-engine.ts";
import type { Behaviour } from "../../test/fakes/containers-life.ts";
import { apply, containerSpec, nodeRecord, put, remove, serviceSpec } from "../../test/fakes/objects.ts";
import { LIMIT_MS, serviceHouse } from "../../test/fakes/service-house.ts";

const specWith = (over: Partial<Container>, more: Partial<ServiceSpec> = {}) =>
  serviceSpec("app", "", { containers: [containerSpec("app", "app:1", over)], ...more });

test("from the apply to ready it takes two writes: one decides, one reports", async () => {
  const house = await serviceHouse();
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  const before = house.etcd.revision;
  await house.ready();
  assert.equal(house.etcd.below(PREFIX.observed).length, 1);
  assert.equal(house.etcd.revision - before, 2);
  await house.end();
});

test("a house at rest writes nothing for an hour", async () => {
  const house = await serviceHouse();
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  await house.ready();
  await house.clock.advance(60_000);
  const before = house.etcd.revision;
  await house.clock.advance(3_600_000);
  assert.equal(house.etcd.revision, before);
  await house.end();
});

test("what is placed at the same moment takes up room for the rest", async () => {
  const house = await serviceHouse(); // a computer of 8 GiB
  const names = ["app", "bulk", "cache", "depot"];
  for (const name of names) apply(house.etcd, "Service", name, specWith({ resources: { memory: "3Gi" } }));
  await house.clock.advance(60_000);
  const placed = names.map(
    (name) => (JSON.parse(house.etcd.get(keys.decided("Service", name))?.value ?? "{}") as DecidedService).instances,
  );
  assert.equal(placed.flat().length, 2);
  await house.end();
});

test("what waits for room is placed within seconds once another one goes", async () => {
  const house = await serviceHouse(); // a computer of 8 GiB
  const placed = (name: string): number =>
    (JSON.parse(house.etcd.get(keys.decided("Service", name))?.value ?? '{"instances":[]}') as DecidedService).instances.length;
  for (const name of ["app", "bulk", "cache"]) {
    apply(house.etcd, "Service", name, specWith({ resources: { memory: "6Gi" } }));
    await house.clock.advance(10_000);
  }
  await house.clock.advance(4 * RESYNC_MS);
  assert.deepEqual(["app", "bulk", "cache"].map(placed), [1, 0, 0]);
  remove(house.etcd, keys.desired("Service", "app"));
  await house.clock.until(() => placed("bulk") + placed("cache") === 1, 5_000, "one of them is placed");
  await house.clock.advance(2 * RESYNC_MS);
  assert.equal(placed("bulk") + placed("cache"), 1);
  await house.end();
});

test("an image that is here is not asked for; one that is not is pulled, and removed when nothing needs it", async () => {
  const house = await serviceHouse({ registry: new Map([["app:2", {}]]) });
  apply(house.etcd, "Service", "app", specWith({ image: "app:2" }));
  await house.ready();
  assert.deepEqual(house.observed()?.pulled, ["app:2"]);
  remove(house.etcd, keys.desired("Service", "app"));
  await house.clock.until(() => house.observed() === undefined, LIMIT_MS, "nothing observed");
  assert.deepEqual([[...house.docker.images.keys()], [...house.docker.containers.keys()], house.decided()], [["app:1"], [], undefined]);
  await house.end();
});

test("an image that was removed and pulled again is removed again", async () => {
  const house = await serviceHouse({ registry: new Map([["app:2", {}]]) });
  for (let times = 0; times < 3; times++) {
    apply(house.etcd, "Service", "app", specWith({ image: "app:2" }));
    await house.ready();
    remove(house.etcd, keys.desired("Service", "app"));
    await house.clock.until(() => house.observed() === undefined && house.decided() === undefined, LIMIT_MS, "nothing of it");
    assert.deepEqual([...house.docker.images.keys()], ["app:1"]);
  }
  await house.end();
});

test("a registry without the image is a condition, until it has it", async () => {
  const registry = new Map<string, FakeImage>();
  const house = await serviceHouse({ registry });
  apply(house.etcd, "Service", "app", specWith({ image: "app:2" }));
  await house.clock.until(() => house.observed()?.instances[0]?.conditions[0]?.reason === "ImageNotFound", LIMIT_MS);
  registry.set("app:2", {});
  await house.ready();
  assert.deepEqual(house.observed()?.instances[0]?.conditions, []);
  await house.end();
});

test("Volumes are made once and remembered, several of one instance too, and stay when the Service goes", async () => {
  const house = await serviceHouse();
  const volumes = ["config", "cache"].map((name) => ({ type: "volume", name, path: `/${name}`, readOnly: false }) as const);
  const beside = containerSpec("beside", "app:1", { volumes: [{ type: "volume", name: "other", path: "/o", readOnly: false }] });
  apply(house.etcd, "Service", "app", serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { volumes }), beside] }));
  await house.ready();
  for (const name of ["app-config", "app-cache", "app-other"]) {
    assert.deepEqual(
      [house.volume(name)?.node, house.volume(name)?.made, house.decided()?.volumes?.[name]?.made],
      ["nas", true, true],
      name,
    );
    assert.ok(house.docker.volumes.has(`fossora-${name}`));
  }
  const uid = house.volume("app-config")?.uid;
  remove(house.etcd, keys.desired("Service", "app"));
  await house.clock.until(() => house.decided() === undefined, LIMIT_MS, "forgotten");
  apply(house.etcd, "Service", "app", serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { volumes })] }));
  await house.ready();
  assert.equal(house.decided()?.volumes?.["app-config"]?.uid, uid);
  await house.end();
});

test("no Service is given the Volume that another one made, be that deleted or not, and its own is found again", async () => {
  const house = await serviceHouse();
  const mounting = (name: string) => {
    const volume = { type: "volume", name, path: "/data", readOnly: false } as const;
    return serviceSpec("x", "", { containers: [containerSpec("x", "app:1", { volumes: [volume] })] });
  };
  apply(house.etcd, "Service", "app", mounting("db-data"));
  await house.ready();
  const made = house.volume("app-db-data");
  assert.deepEqual([made?.owner, house.decided()?.volumes?.["app-db-data"]], ["app", made]);
  apply(house.etcd, "Service", "app-db", mounting("data"));
  const other = () => house.decided("app-db");
  const isTaken = () => other()?.takenVolumes?.["app-db-data"] === "app";
  await house.clock.until(isTaken, LIMIT_MS, "refused");
  remove(house.etcd, keys.desired("Service", "app"));
  await house.clock.until(() => house.decided() === undefined, LIMIT_MS, "forgotten");
  await house.clock.advance(RESYNC_MS);
  assert.deepEqual([other()?.instances, isTaken()], [[], true]);
  apply(house.etcd, "Service", "app", mounting("db-data"));
  await house.ready();
  assert.deepEqual(house.volume("app-db-data"), made);
  await house.end();
});

test("data is not bound to a computer that is being removed, though its record is still there", async () => {
  const house = await serviceHouse();
  remove(house.etcd, keys.desired("Membership", "nas"));
  apply(house.etcd, "Service", "app", specWith({ volumes: [{ type: "volume", name: "data", path: "/data", readOnly: false }] }));
  await house.clock.advance(40_000);
  assert.deepEqual([house.decided()?.instances, house.volume("app-data")], [[], undefined]);
  remove(house.etcd, keys.node("nas"));
  apply(house.etcd, "Membership", "pi", { role: "auto", schedulable: true });
  put(house.etcd, keys.node("pi"), nodeRecord("pi", "boot-pi"));
  await house.clock.until(() => house.volume("app-data")?.node === "pi", LIMIT_MS, "it is made on another one");
  await house.end();
});

test("a Volume that an earlier release recorded is claimed by the Service that has it", async () => {
  const house = await serviceHouse();
  const volume = { type: "volume", name: "c", path: "/c", readOnly: false } as const;
  put(house.etcd, keys.volume("app-c"), { node: "nas", uid: "u", made: false } satisfies DecidedVolume);
  apply(house.etcd, "Service", "app", specWith({ volumes: [volume] }));
  await house.ready();
  const claimed = { node: "nas", uid: "u", made: true, owner: "app" };
  assert.deepEqual([house.volume("app-c"), house.decided()?.volumes?.["app-c"]], [claimed, claimed]);
  await house.end();
});

test("containers start in order: what is done once ends first, and a database is healthy first", async () => {
  const started: string[] = [];
  const behave = (image: string): Behaviour => {
    started.push(image);
    return image === "init:1" ? { exitAfterMs: 500, exitCode: 0 } : {};
  };
  const house = await serviceHouse({ behave });
  for (const image of ["init:1", "db:1"]) house.docker.load(image, { hasHealthcheck: image === "db:1" });
  const containers = [
    containerSpec("app", "app:1", { after: ["db", "init"] }),
    containerSpec("db", "db:1"),
    containerSpec("init", "init:1", { run: "once" }),
  ];
  apply(house.etcd, "Service", "app", serviceSpec("app", "", { containers }));
  await house.ready();
  assert.equal(started.at(-1), "app:1");
  assert.deepEqual(house.names(), ["app", "db", "init"]);
  assert.deepEqual(started.length, 3, "nothing was started twice");
  await house.end();
});

test("several containers have a network of their own, which goes with them", async () => {
  const house = await serviceHouse();
  apply(
    house.etcd,
    "Service",
    "app",
    serviceSpec("app", "", { containers: [containerSpec("app", "app:1"), containerSpec("db", "app:1")] }),
  );
  await house.ready();
  const network = [...house.docker.networks.values()].find(({ labels }) => labels[LABEL.name] === "app");
  assert.ok(network?.icc);
  remove(house.etcd, keys.desired("Service", "app"));
  await house.clock.until(() => house.decided() === undefined && !house.docker.networks.has(network.name), LIMIT_MS, "no network");
  await house.end();
});

test("an update leaves the old one serving until the new one has been ready through monitor", async () => {
  const house = await serviceHouse({ behave: (image) => (image === "app:2" ? { servesAfterMs: 3_000 } : {}) });
  house.docker.load("app:2");
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  await house.ready();
  const [old] = house.docker.containers.keys();
  assert.ok(old !== undefined);
  await house.clock.advance(30_000);
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:2"));
  await house.clock.until(() => (house.observed()?.instances.filter(({ ready }) => ready).length ?? 0) === 2, LIMIT_MS, "both ready");
  assert.equal(house.docker.containers.get(old)?.serving, true);
  await house.clock.until(() => !house.docker.containers.has(old), LIMIT_MS, "the old one is gone");
  assert.deepEqual(
    [...house.docker.containers.values()].map(({ spec, serving }) => [spec.image, serving]),
    [["app:2", true]],
  );
  await house.end();
});

test("an update that crashes is rolled back, and the old one was never touched", async () => {
  const house = await serviceHouse({ behave: (image) => (image === "app:2" ? { exitAfterMs: 50 } : {}) });
  house.docker.load("app:2");
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  await house.ready();
  const [old] = house.docker.containers.keys();
  assert.ok(old !== undefined);
  await house.clock.advance(30_000);
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:2"));
  await house.clock.until(() => house.decided()?.failed?.reason === "CrashLoop", LIMIT_MS);
  await house.clock.until(() => house.docker.containers.size === 1, LIMIT_MS, "the failed one is gone");
  assert.equal(house.docker.containers.get(old)?.serving, true);
  await house.end();
});

test("a change of labels, routes or stopGrace touches no container", async () => {
  const house = await serviceHouse();
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  await house.ready();
  const [before] = house.docker.containers.values();
  apply(house.etcd, "Service", "app", specWith({ stopGrace: "1m" }, { routes: [] }), { group: "media" });
  await house.clock.advance(60_000);
  assert.deepEqual([...house.docker.containers.values()], [before]);
  assert.equal(Object.values(house.decided()?.revisions ?? {})[0]?.generation, 2);
  await house.end();
});

test("Docker away is a condition, and when it is back the app is, too", async () => {
  const house = await serviceHouse();
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  await house.ready();
  await house.clock.advance(30_000);
  house.docker.stopDaemon();
  const { etcd } = house;
  apply(etcd, "Service", "app", serviceSpec("app", "app:1")); // wakes it
  await house.clock.until(() => house.observed()?.instances[0]?.conditions[0]?.reason === "DockerUnavailable", LIMIT_MS);
  house.docker.startDaemon();
  await house.ready();
  assert.equal(house.docker.containers.size, 1);
  await house.end();
});

test("while Docker hangs an app goes on being ready, and one that dies does not", async () => {
  const house = await serviceHouse();
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  await house.ready();
  await house.clock.advance(30_000);
  const told: boolean[] = [];
  house.etcd.onChange(() => told.push(house.observed()?.instances[0]?.ready === true));
  house.docker.hang();
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1")); // wakes it
  const reasons = (): readonly string[] =>
    (house.observed()?.instances[0]?.conditions ?? []).map(({ type, reason }) => `${type} ${reason}`);
  await house.clock.until(() => reasons().includes("DockerReady DockerUnavailable"), LIMIT_MS, "it says that Docker is silent");
  await house.clock.advance(600_000);
  assert.ok(told.length > 0 && told.every(Boolean), "it was ready all the time");
  const [container] = house.docker.containers.values();
  container?.crash(1);
  await house.clock.until(() => house.observed()?.instances[0]?.ready === false, LIMIT_MS, "its end is seen");
  house.docker.goOn();
  await house.ready();
  assert.deepEqual([reasons(), house.docker.containers.size], [[], 1]);
  await house.end();
});

test("a private network that was made while its instance was taken away goes at the next resync", async () => {
  const house = await serviceHouse();
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  await house.ready();
  const labels = { [LABEL.kind]: "Service", [LABEL.name]: "app", [LABEL.instance]: "zzzz" };
  const network = { name: "fossora-app-zzzz", subnet: "10.203.250.0/28", gateway: "10.203.250.1", icc: true, labels };
  house.docker.networks.set(network.name, network);
  await house.clock.until(() => !house.docker.networks.has(network.name), 2 * RESYNC_MS, "no network");
  assert.deepEqual(house.names(), ["app"]);
  await house.end();
});

/** `db` with a check that passes only when the test says so, and `app` after it. */
async function ordered(servesAfterMs: number) {
  const house = await serviceHouse({ behave: (image) => (image === "db:1" ? { servesAfterMs } : {}) });
  house.docker.load("db:1");
  apply(house.etcd, "Service", "db", serviceSpec("db", "db:1"));
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1", { after: ["db"] }));
  const appOf = () => [...house.docker.containers.values()].find(({ spec }) => spec.labels[LABEL.name] === "app");
  return { ...house, appOf, runs: () => appOf()?.state === "running" };
}

test("an app starts as soon as the one that it comes after is ready, and says before what it waits for", async () => {
  const house = await ordered(30_000);
  await house.clock.until(() => house.observed()?.instances[0]?.conditions[0] !== undefined, LIMIT_MS, "it says that it waits");
  const [condition] = house.observed()?.instances[0]?.conditions ?? [];
  assert.deepEqual([condition?.reason, condition?.message], ["Waiting", "waits for db (Starting on nas)"]);
  await house.clock.advance(20_000);
  assert.equal(house.runs(), false);
  const dbIsReady = () => house.etcd.get(keys.observed("Service", "db", "nas"))?.value.includes('"ready":true') === true;
  await house.clock.until(dbIsReady, LIMIT_MS, "db is ready");
  const readyAtMs = house.clock.now();
  await house.clock.until(house.runs, LIMIT_MS, "the app starts");
  assert.ok(house.clock.now() - readyAtMs < 1_000, `${house.clock.now() - readyAtMs} ms later`);
  assert.equal(house.appOf()?.restartPolicy, "no", "Docker would start it with its daemon");
  assert.equal(house.appOf()?.spec.labels[LABEL.restart], "on-failure", "what a person wants of it");
  await house.end();
});

test("an app starts without one that does not become ready in two minutes, and an event says so", async () => {
  const house = await ordered(Infinity);
  await house.clock.until(() => house.runs(), 2 * LIMIT_MS, "it starts");
  const told = house.events().find(({ reason }) => reason === "StartedWithout");
  assert.match(told?.message ?? "", /^Container 'app-.*' was started without waiting any longer: db /);
  await house.end();
});

test("an app runs on when the one that it comes after goes, and is started again at once when it ends", async () => {
  const house = await ordered(200);
  await house.ready();
  await house.clock.advance(60_000);
  const app = house.appOf();
  apply(house.etcd, "Service", "db", serviceSpec("db", "db:1", { replicas: 0 }));
  await house.clock.advance(200_000);
  assert.deepEqual([app, "running"], [house.appOf(), app?.state]);
  apply(house.etcd, "Service", "db", serviceSpec("db", "db:missing"));
  app?.crash(1);
  await house.clock.advance(1_000);
  assert.equal(house.runs(), true);
  await house.end();
});
