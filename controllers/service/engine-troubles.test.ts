// What people, other programs and chance do to an engine: cleared away, cut off, ended, pulled over. Under the real engine loop, on fakes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import { LABEL } from "../../src/api/labels.ts";
import type { Container, ServiceSpec } from "../../src/api/types.ts";
import { RESYNC_MS } from "../../src/engine/engine.ts";
import type { FakeImage } from "../../test/fakes/containers-engine.ts";
import type { Behaviour } from "../../test/fakes/containers-life.ts";
import { apply, containerSpec, remove, serviceSpec } from "../../test/fakes/objects.ts";
import { LIMIT_MS, serviceHouse } from "../../test/fakes/service-house.ts";

type House = Awaited<ReturnType<typeof serviceHouse>>;

const specWith = (over: Partial<Container>, more: Partial<ServiceSpec> = {}) =>
  serviceSpec("app", "", { containers: [containerSpec("app", "app:1", over)], ...more });
const containerOf = ({ docker }: House, name: string) =>
  [...docker.containers.values()].find(({ spec }) => spec.labels[LABEL.container] === name);

/** All that was told of the app from now on: its reasons, and whether it was ready. */
function told({ etcd, observed }: House): { readonly reasons: Set<string>; readonly ready: Set<boolean> } {
  const all = { reasons: new Set<string>(), ready: new Set<boolean>() };
  etcd.onChange(() => {
    for (const { ready, conditions } of observed()?.instances ?? []) {
      all.ready.add(ready);
      for (const { reason } of conditions) all.reasons.add(reason);
    }
  });
  return all;
}

test("a step that was done once is not done again when its container is cleared away, and the app goes on being ready", async () => {
  let steps = 0;
  const behave = (image: string): Behaviour => {
    if (image === "init:1") steps += 1;
    return image === "init:1" ? { exitAfterMs: 500, exitCode: 0 } : {};
  };
  const house = await serviceHouse({ behave });
  house.docker.load("init:1");
  const containers = [containerSpec("app", "app:1", { after: ["init"] }), containerSpec("init", "init:1", { run: "once" })];
  apply(house.etcd, "Service", "app", serviceSpec("app", "", { containers }));
  await house.ready();
  await house.clock.advance(60_000);
  const { ready } = told(house);
  const init = containerOf(house, "init");
  assert.ok(init);
  house.docker.containers.delete(init.id);
  house.docker.emit(init, "destroy");
  apply(house.etcd, "Service", "app", serviceSpec("app", "", { containers }), { group: "media" }); // wakes it, and changes no container
  await house.clock.advance(2 * RESYNC_MS);
  assert.deepEqual([steps, house.names(), [...ready]], [1, ["app"], [true]]);
  assert.equal(house.observed()?.instances[0]?.ready, true);
  house.docker.hang();
  apply(house.etcd, "Service", "app", serviceSpec("app", "", { containers }));
  await house.clock.advance(60_000);
  assert.equal(house.observed()?.instances[0]?.ready, true, "also while Docker is silent");
  await house.end();
});

test("a container whose network was removed is made anew, with its network", async () => {
  const house = await serviceHouse({ behave: () => ({ stopExitCode: 0 }) });
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  await house.ready();
  await house.clock.advance(30_000);
  const before = containerOf(house, "app");
  house.docker.stopDaemon();
  house.docker.networks.clear();
  house.docker.startDaemon();
  await house.clock.until(() => containerOf(house, "app")?.serving === true, LIMIT_MS, "it runs again");
  assert.notEqual(containerOf(house, "app"), before);
  await house.end();
});

test("an app that ends with 0 to start itself anew is well, and its update too", async () => {
  let starts = 0;
  const behave = (image: string): Behaviour => (image === "app:2" && ++starts <= 2 ? { exitAfterMs: 2_000, exitCode: 0 } : {});
  const house = await serviceHouse({ behave });
  house.docker.load("app:2");
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  await house.ready();
  await house.clock.advance(30_000);
  const { reasons } = told(house);
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:2"));
  const isOver = () => house.docker.containers.size === 1 && containerOf(house, "app")?.spec.image === "app:2";
  await house.clock.until(isOver, LIMIT_MS, "the new one alone");
  assert.deepEqual([starts, [...reasons], house.decided()?.failed], [3, [], undefined]);
  await house.end();
});

test("what ends with 0 again and again is a loop all the same, and its update fails", async () => {
  const house = await serviceHouse({ behave: (image) => (image === "app:2" ? { exitAfterMs: 2_000, exitCode: 0 } : {}) });
  house.docker.load("app:2");
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  await house.ready();
  await house.clock.advance(30_000);
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:2"));
  await house.clock.until(() => house.decided()?.failed?.reason === "CrashLoop", LIMIT_MS, "it failed");
  await house.end();
});

test("an app that crashes once an hour is back at once each time, the fifth time too", async () => {
  const house = await serviceHouse();
  apply(house.etcd, "Service", "app", serviceSpec("app", "app:1"));
  await house.ready();
  const { reasons } = told(house);
  // Far beyond what a back-off may last, and what it takes to count as stable.
  for (let hour = 1; hour <= 5; hour++) {
    await house.clock.advance(3_600_000);
    containerOf(house, "app")?.crash(1);
    await house.clock.advance(3_000);
    assert.equal(house.observed()?.instances[0]?.ready, true, `hour ${hour}`);
  }
  assert.deepEqual([...reasons], []);
  await house.end();
});

test("a share that is not mounted yet is waited for, and Docker is not asked meanwhile", async () => {
  const house = await serviceHouse({ behave: () => ({ stopExitCode: 0 }) });
  apply(house.etcd, "Service", "app", specWith({ volumes: [{ type: "host", source: "/tank", path: "/x", readOnly: true }] }));
  await house.ready();
  await house.clock.advance(30_000);
  const before = containerOf(house, "app");
  house.docker.stopDaemon();
  house.docker.missingPaths.add("/tank");
  house.docker.startDaemon();
  const condition = () => house.observed()?.instances[0]?.conditions[0];
  await house.clock.until(() => condition()?.reason === "HostPathMissing", LIMIT_MS, "it says so");
  assert.match(condition()?.message ?? "", /^'\/tank' does not exist on this machine/);
  house.docker.missingPaths.delete("/tank");
  await house.clock.until(() => before?.serving === true, 10_000, "it is started");
  await house.end();
});

test("an image that loses its tag to a pull goes once nothing is made of it, and one that Fossora did not pull stays", async () => {
  const registry = new Map<string, FakeImage>([["app:2", { build: "1" }]]);
  const house = await serviceHouse({ registry });
  house.docker.load("app:2", { build: "a person's" });
  const foreign = house.docker.imageInfo("app:2")?.id;
  const images = () => [...house.docker.images.keys()].filter((image) => image !== "app:1").sort();
  const update = async (nth: number): Promise<void> => {
    apply(house.etcd, "Service", "app", specWith({ image: "app:2", pull: "always", env: { NTH: String(nth) } }));
    const isOver = () => house.docker.containers.size === 1 && containerOf(house, "app")?.spec.env["NTH"] === String(nth);
    await house.clock.until(isOver, LIMIT_MS, "updated");
    await house.clock.advance(RESYNC_MS);
  };
  for (let nth = 1; nth <= 4; nth++) {
    registry.set("app:2", { build: String(nth) });
    await update(nth);
    assert.deepEqual(images(), ["app:2", foreign]);
    assert.deepEqual(house.observed()?.pulled, ["app:2"]);
  }
  remove(house.etcd, keys.desired("Service", "app"));
  await house.clock.until(() => house.observed() === undefined, LIMIT_MS, "nothing observed");
  assert.deepEqual(images(), [foreign]);
  await house.end();
});
