import assert from "node:assert/strict";
import { test } from "node:test";
import { LABEL } from "../../src/api/labels.ts";
import type { Container } from "../../src/api/types.ts";
import { containerSpec as stored, serviceSpec } from "../../test/fakes/objects.ts";
import { containerSpec, dockerVolume, filesOf, hostPathsOf, labelsOf, networkKey, type Fillings, type Part } from "./container-spec.ts";

const fillings: Fillings = {
  values: { url: "http://app.home.internal", host: "app.home.internal", zone: "home.internal", node: "nas", proxies: "10.201.0.1" },
  secrets: { "app/db": "s3cret" },
  devices: [
    { class: "gpu", paths: ["/dev/dri/card0", "/dev/dri/renderD128"], groups: [44, 105] },
    { class: "zigbee", paths: ["/dev/ttyACM0"], groups: [20] },
    { class: "gpu/nvidia", paths: [], groups: [] },
  ],
  network: { kind: "bridge", network: "fossora", address: "10.201.0.2", aliases: [] },
  nameServers: ["10.201.0.1"],
  remoteNetwork: false,
};

function partWith(over: Partial<Container>): Part {
  const container = stored("app", "app:1", over);
  return { service: "app", instance: "aaaa", spec: serviceSpec("app", "", { containers: [container] }), container };
}

const specWith = (over: Partial<Container> = {}, more: Partial<Fillings> = {}) => containerSpec(partWith(over), { ...fillings, ...more });

test("the network of an instance and a Volume in Docker are called after their owners", () => {
  assert.equal(networkKey("app", "aaaa"), "app-aaaa");
  assert.equal(dockerVolume("app-config"), "fossora-app-config");
});

test("a container carries all that tells whose it is, and a person's labels cannot change that", () => {
  const own: Readonly<Record<string, string>> = { team: "media", [LABEL.name]: "other" };
  const { labels } = specWith({ labels: own });
  assert.equal(labels[LABEL.name], "app");
  assert.deepEqual(labels, { team: "media", ...labelsOf(partWith({ labels: own })) });
});

test("env is filled in, and secrets are put in their place", () => {
  const { env } = specWith({ env: { URL: "${url}/x", PASS: { secret: "app/db" }, COST: "$$5" } });
  assert.deepEqual(env, { URL: "http://app.home.internal/x", PASS: "s3cret", COST: "$5" });
});

test("files are filled in and resolved alike", () => {
  const files = [
    { path: "/a", content: "on ${node}", mode: "0644" },
    { path: "/b", secret: "app/db", mode: "0600", owner: "1000" },
  ];
  assert.deepEqual(filesOf(stored("app", "app:1", { files }), fillings), [
    { path: "/a", content: "on nas", mode: "0644" },
    { path: "/b", content: "s3cret", mode: "0600", owner: "1000" },
  ]);
});

test("hostPathsOf() are the folders that must be there before", () => {
  const container = stored("app", "app:1", {
    volumes: [
      { type: "host", source: "/etc/localtime", path: "/etc/localtime", readOnly: true },
      { type: "volume", name: "c", path: "/c", readOnly: false },
    ],
  });
  assert.deepEqual(hostPathsOf(container), ["/etc/localtime"]);
});

test("volumes are Docker's by a name of ours, and folders are themselves", () => {
  const { mounts } = specWith({
    volumes: [
      { type: "volume", name: "config", path: "/config", readOnly: false },
      { type: "shared", name: "media", path: "/media", readOnly: true },
      { type: "node", node: "nas", source: "/tank", path: "/films", readOnly: true },
    ],
  });
  assert.deepEqual(
    mounts.map(({ source }) => source),
    [{ volume: "fossora-app-config" }, { volume: "fossora-media" }, { hostPath: "/tank" }],
  );
});

test("a class stands for all its paths with their groups, a path for itself", () => {
  const { devices, groups, gpus } = specWith({
    devices: [{ class: "gpu" }, { class: "/dev/net/tun" }, { class: "zigbee", path: "/dev/zigbee" }],
    groupAdd: ["999"],
  });
  assert.deepEqual(devices, [
    { host: "/dev/dri/card0", container: "/dev/dri/card0" },
    { host: "/dev/dri/renderD128", container: "/dev/dri/renderD128" },
    { host: "/dev/net/tun", container: "/dev/net/tun" },
    { host: "/dev/ttyACM0", container: "/dev/zigbee" },
  ]);
  assert.deepEqual(groups, ["999", "44", "105", "20"]);
  assert.equal(gpus, "none");
  assert.equal(specWith({ devices: [{ class: "gpu/nvidia" }] }).gpus, "nvidia");
});

test("Docker runs commands as checks, keeps the image's own, and runs none beside the agent's", () => {
  const timing = { interval: "10s", timeout: "5s", retries: 3, startGrace: "30s" };
  assert.equal(specWith().healthcheck, undefined);
  assert.equal(specWith({ health: { ...timing, tcp: 80 } }).healthcheck, "none");
  assert.equal(specWith({ health: "none" }).healthcheck, "none");
  assert.deepEqual(specWith({ health: { ...timing, command: ["true"] } }).healthcheck, {
    command: ["true"],
    intervalMs: 10_000,
    timeoutMs: 5_000,
    retries: 3,
    startGraceMs: 30_000,
  });
});

test("a container on a bridge asks the house for names, one on the host's network asks the host", () => {
  assert.deepEqual(specWith().dns, { servers: ["10.201.0.1"], search: ["home.internal"], options: ["ndots:1"] });
  assert.equal(specWith({ network: "host" }, { network: { kind: "host" } }).dns, undefined);
});

test("what was not asked for is absent, and logs are kept small", () => {
  const spec = specWith();
  for (const field of ["command", "entrypoint", "user", "memoryBytes", "engine"] as const) assert.ok(!(field in spec), field);
  assert.deepEqual(spec.logging, { driver: "local", options: { "max-size": "10m", "max-file": "3" } });
});

test("sizes and durations become numbers", () => {
  const spec = specWith({
    shmSize: "64Mi",
    resources: { memory: "1Gi", cpus: 1.5 },
    stopGrace: "1m",
    tmpfs: [{ path: "/tmp", size: "1Mi" }],
  });
  assert.deepEqual([spec.shmBytes, spec.memoryBytes, spec.cpus, spec.stopGraceMs], [64 * 2 ** 20, 2 ** 30, 1.5, 60_000]);
  assert.deepEqual(spec.tmpfs, [{ path: "/tmp", sizeBytes: 2 ** 20 }]);
});
