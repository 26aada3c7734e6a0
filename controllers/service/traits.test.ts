import assert from "node:assert/strict";
import { test } from "node:test";
import type { Container, VolumeMount } from "../../src/api/types.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import * as traits from "./traits.ts";

const own = (readOnly = false): VolumeMount => ({ type: "volume", name: "config", path: "/config", readOnly });
const folder: VolumeMount = { type: "node", node: "nas", source: "/tank", path: "/films", readOnly: true };
const spec = (over: Partial<Container> = {}, ...others: readonly Container[]) =>
  serviceSpec("app", "app:1", { containers: [containerSpec("app", "app:1", over), ...others] });

test("cannotRunTwice() is so for what writes data, has a device, the host's network or a fixed MAC", () => {
  assert.ok(!traits.cannotRunTwice(spec()));
  assert.ok(!traits.cannotRunTwice(spec({ volumes: [own(true), folder] })));
  for (const over of [{ volumes: [own()] }, { devices: [{ class: "gpu" }] }, { network: "host" }, { macAddress: "02:00:00:00:00:01" }])
    assert.ok(traits.cannotRunTwice(spec(over)), JSON.stringify(over));
});

test("updateOrder() is what was asked for, else start-first where two may run", () => {
  assert.equal(traits.updateOrder(spec()), "start-first");
  assert.equal(traits.updateOrder(spec({ volumes: [own()] })), "stop-first");
  assert.equal(traits.updateOrder({ ...spec(), update: { ...spec().update, order: "stop-first" } }), "stop-first");
});

test("isMovable() is not so for data, folders of a node, and failover: never", () => {
  assert.ok(traits.isMovable(spec()));
  assert.ok(!traits.isMovable({ ...spec(), failover: "never" }));
  assert.ok(!traits.isMovable(spec({ volumes: [own(true)] })));
  assert.ok(!traits.isMovable(spec({ volumes: [folder] })));
});

test("what `engine` mounts is data like any other: it runs once, and stays where it is", () => {
  const mounting = (HostConfig: object) => spec({ engine: { HostConfig } });
  for (const HostConfig of [
    { Binds: ["/db:/data"] },
    { Mounts: [{ Type: "bind", Source: "/db", Target: "/data" }] },
    { Binds: ["db:/data"] },
  ])
    assert.deepEqual([traits.cannotRunTwice(mounting(HostConfig)), traits.isMovable(mounting(HostConfig))], [true, false]);
  const reads = mounting({ Binds: ["/etc/localtime:/etc/localtime:ro"] });
  assert.deepEqual([traits.cannotRunTwice(reads), traits.isMovable(reads)], [false, true]);
  assert.equal(traits.updateOrder(mounting({ Binds: ["/db:/data"] })), "stop-first");
  assert.ok(!traits.isExclusive(mounting({ Binds: ["/db:/data"] })), "nobody takes it over, so nobody need end it");
});

test("volumeNames() are the Service's own with its name, and shared ones with theirs", () => {
  const shared: VolumeMount = { type: "shared", name: "media", path: "/media", readOnly: true };
  assert.deepEqual(traits.volumeNames("app", spec({ volumes: [own(), shared, folder] })), ["app-config", "media"]);
});

test("pinnedNodes() are those whose folders are mounted", () => {
  assert.deepEqual(traits.pinnedNodes(spec({ volumes: [folder] })), ["nas"]);
});

test("reservedBytes() adds up the limits, and is 128 Mi without any", () => {
  assert.equal(traits.reservedBytes(spec()), traits.RESERVED_BYTES_DEFAULT);
  assert.equal(
    traits.reservedBytes(spec({ resources: { memory: "1Gi" } }, containerSpec("db", "db:1", { resources: { memory: "1Gi" } }))),
    2 * 2 ** 30,
  );
});

test("deviceClasses() leaves out plain paths, which every machine has", () => {
  assert.deepEqual(
    traits.deviceClasses(spec({ devices: [{ class: "gpu" }, { class: "/dev/net/tun" }, { class: "/dev/serial/by-id/usb-1" }] })),
    ["/dev/serial/by-id/usb-1", "gpu"],
  );
});

test("startOrder() puts each container after those it waits for or whose network it shares", () => {
  const web = containerSpec("web", "web:1", { after: ["db"] });
  const vpnApp = containerSpec("torrent", "torrent:1", { network: "container:vpn" });
  const names = traits.startOrder([web, vpnApp, containerSpec("db", "db:1"), containerSpec("vpn", "vpn:1")]).map(({ name }) => name);
  assert.deepEqual(names, ["db", "web", "vpn", "torrent"]);
});

test("startOrder() ends on a circle, too", () => {
  const circle = [containerSpec("a", "a:1", { after: ["b"] }), containerSpec("b", "b:1", { after: ["a"] })];
  assert.deepEqual(
    traits
      .startOrder(circle)
      .map(({ name }) => name)
      .sort(),
    ["a", "b"],
  );
});
