import assert from "node:assert/strict";
import { test } from "node:test";
import type { ContainerInspectInfo, ImageInspectInfo } from "dockerode";
import { LABEL } from "../../api/labels.ts";
import { containerView, endpointsOf, imageView, infoView, isOwn, networkView, processView, volumesToKeep } from "./view.ts";

const state = {
  Status: "running",
  Running: true,
  OOMKilled: false,
  ExitCode: 0,
  Error: "",
  StartedAt: "2026-01-01T00:00:00Z",
  FinishedAt: "0001-01-01T00:00:00Z",
};

/** Only what is read of Docker's answer. */
function inspected(State: object, networks: object = {}, ports: object | null = {}): ContainerInspectInfo {
  const labels = {
    [LABEL.kind]: "Service",
    [LABEL.name]: "app",
    [LABEL.instance]: "k3f9",
    [LABEL.container]: "web",
    [LABEL.specHash]: "h",
  };
  return {
    Id: "abc",
    Name: "/app-k3f9-web",
    Config: { Labels: labels, StopTimeout: 30 },
    State,
    RestartCount: 2,
    Image: "sha256:1",
    HostConfig: { RestartPolicy: { Name: "on-failure" }, Tmpfs: null },
    Mounts: [],
    NetworkSettings: { Networks: networks, Ports: ports },
  } as unknown as ContainerInspectInfo; // a part of it
}

test("a running container is read as Docker shows it; what never was is absent", () => {
  const network = { fossora: { IPAMConfig: { IPv4Address: "10.200.0.7" }, IPAddress: "10.200.0.7" } };
  assert.deepEqual(containerView(inspected(state, network, { "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "32768" }], "443/tcp": null })), {
    id: "abc",
    name: "app-k3f9-web",
    service: "app",
    instance: "k3f9",
    container: "web",
    specHash: "h",
    state: "running",
    health: "none",
    exitCode: 0,
    outOfMemory: false,
    restarts: 2,
    startedAt: "2026-01-01T00:00:00Z",
    imageId: "sha256:1",
    restartPolicy: "on-failure",
    stopGraceMs: 30_000,
    address: "10.200.0.7",
    published: { "80/tcp": 32_768 },
  });
});

test("how Docker holds a container is told with what its manifest says of restarts, where that was written down", () => {
  const inspection = inspected({ ...state, Pid: 7 }, { fossora: { Gateway: "10.200.0.1" } });
  const held = { id: "abc", name: "app-k3f9-web", pid: 7, restartPolicy: "on-failure", gateway: "10.200.0.1" };
  assert.deepEqual(processView(inspection), held);
  inspection.Config.Labels[LABEL.restart] = "no";
  assert.deepEqual(processView(inspection), { ...held, wantedRestart: "no" });
});

test("data in a volume without a name is held by nothing; that under a tmpfs is not there at all", () => {
  const volume = (Destination: string, Name: string) => ({ Type: "volume", Name, Source: "", Destination });
  const alone = "0123456789abcdef".repeat(4);
  const Mounts = [
    volume("/var/data", alone),
    volume("/config", alone),
    volume("/cache", alone),
    volume("/kept", "fossora-app-kept"),
    { Type: "bind", Source: "/srv", Destination: "/srv" },
  ];
  const info = { ...inspected(state), Mounts, HostConfig: { Tmpfs: { "/cache": "" } } } as unknown as ContainerInspectInfo; // a part of it
  assert.deepEqual(containerView(info).unheld, ["/config", "/var/data"]);
});

test("a failing check tells its last words, a passing one nothing, and what does not run is never healthy", () => {
  const failing = { Status: "unhealthy", Log: [{ Output: "first" }, { Output: " refused \n" }] };
  assert.deepEqual(pick(containerView(inspected({ ...state, Health: failing }))), ["unhealthy", "refused"]);
  assert.deepEqual(pick(containerView(inspected({ ...state, Health: { Status: "healthy", Log: [{ Output: "ok" }] } }))), [
    "healthy",
    undefined,
  ]);
  assert.deepEqual(pick(containerView(inspected({ ...state, Running: false, Health: { Status: "healthy", Log: null } }))), [
    "starting",
    undefined,
  ]);
});

function pick({ health, healthDetail }: ReturnType<typeof containerView>): readonly unknown[] {
  return [health, healthDetail];
}

test("what a person runs from a commit of an app's container is none of Fossora's, whatever its labels say", () => {
  const made = inspected(state);
  assert.deepEqual([isOwn(made), isOwn({ ...made, Name: "/try-out" })], [true, false]);
});

test("of a container that ever ran the volumes that nobody named are kept, and its endpoints are those with an address", () => {
  const Mounts = [
    { Type: "volume", Name: "ab".repeat(32) },
    { Type: "volume", Name: "fossora-app-data" },
    { Type: "bind", Name: undefined },
  ] as unknown as ContainerInspectInfo["Mounts"]; // a part of it
  const ran = { ...inspected({ ...state, Status: "exited" }, { fossora: { IPAMConfig: { IPv4Address: "10.200.0.7" } } }), Mounts };
  assert.deepEqual(volumesToKeep(ran), ["ab".repeat(32)]);
  assert.deepEqual(volumesToKeep({ ...ran, State: { ...ran.State, StartedAt: "0001-01-01T00:00:00Z" } }), []);
  assert.deepEqual(endpointsOf(ran), [{ network: "fossora", container: "app-k3f9-web" }]);
  assert.deepEqual(endpointsOf(inspected(state, { host: { IPAMConfig: null } })), []);
});

test("a container without any network or port has neither", () => {
  const view = containerView(inspected(state, { host: { IPAMConfig: null } }, null));
  assert.equal(view.address, undefined);
  assert.deepEqual(view.published, {});
});

test("an image has a health check unless it says NONE", () => {
  const image = (Config: object): ImageInspectInfo =>
    ({ Id: "sha256:1", RepoDigests: null, RepoTags: ["a:1"], Architecture: "arm64", Config, Size: 5 }) as unknown as ImageInspectInfo; // a part of it
  assert.equal(imageView(image({ Healthcheck: { Test: ["CMD", "true"] } })).hasHealthcheck, true);
  assert.equal(imageView(image({ Healthcheck: { Test: ["NONE"] } })).hasHealthcheck, false);
  assert.deepEqual(imageView(image({ ExposedPorts: { "80/tcp": {}, "53/udp": {} } })), {
    id: "sha256:1",
    digests: [],
    tags: ["a:1"],
    arch: "arm64",
    hasHealthcheck: false,
    exposedTcpPorts: [80],
    bytes: 5,
  });
});

test("containers cannot be dialled by address where the engine is rootless, in a VM or on another system", () => {
  const info = {
    ServerVersion: "28.0.0",
    Architecture: "x86_64",
    OperatingSystem: "Debian",
    NCPU: 4,
    MemTotal: 8,
    SecurityOptions: ["name=seccomp,profile=default"],
    Runtimes: { runc: {} },
    DockerRootDir: "/d",
  };
  assert.deepEqual(infoView(info, 41, "linux"), {
    version: "28.0.0",
    apiVersion: "1.41",
    arch: "amd64",
    os: "Debian",
    cpus: 4,
    memoryBytes: 8,
    remoteNetwork: false,
    runtimes: ["runc"],
    dataDir: "/d",
  });
  assert(infoView({ ...info, SecurityOptions: ["name=rootless"] }, 41, "linux").remoteNetwork);
  assert(infoView({ ...info, OperatingSystem: "Docker Desktop" }, 41, "linux").remoteNetwork);
  assert(infoView(info, 41, "darwin").remoteNetwork);
});

test("a network is read back as it was asked for", () => {
  const answer = {
    Name: "fossora",
    IPAM: { Config: [{ Subnet: "10.200.0.0/20", Gateway: "10.200.0.1" }] },
    Options: { "com.docker.network.bridge.enable_icc": "false" },
    Labels: { a: "b" },
  };
  assert.deepEqual(networkView(answer), {
    name: "fossora",
    subnet: "10.200.0.0/20",
    gateway: "10.200.0.1",
    icc: false,
    labels: { a: "b" },
  });
  assert.deepEqual(networkView({ Name: "host", IPAM: { Config: null }, Options: null, Labels: null }), {
    name: "host",
    subnet: "",
    gateway: "",
    icc: true,
    labels: {},
  });
});
