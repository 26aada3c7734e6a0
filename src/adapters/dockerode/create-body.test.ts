import assert from "node:assert/strict";
import { test } from "node:test";
import { containerSpec } from "../../../test/fakes/containers-spec.ts";
import { createBody, seconds } from "./create-body.ts";

const modern = 47;
const body = (over: Parameters<typeof containerSpec>[1], apiMinor = modern) => createBody(containerSpec("app", over), apiMinor);

test("a plain spec leaves the image's own settings alone", () => {
  const made = body({});
  for (const key of ["Cmd", "Entrypoint", "WorkingDir", "User", "Hostname", "StopSignal", "Healthcheck", "ExposedPorts", "MacAddress"])
    assert(!(key in made), key);
  assert.deepEqual(made.HostConfig, {
    NetworkMode: "host",
    RestartPolicy: { Name: "on-failure" },
    LogConfig: { Type: "local", Config: {} },
    Privileged: false,
    ReadonlyRootfs: false,
    Init: false,
    Mounts: [],
  });
});

test("everything that a spec says is in the body", () => {
  const made = body({
    command: ["serve"],
    entrypoint: ["/init"],
    workingDir: "/app",
    user: "1000:1000",
    hostname: "app",
    env: { TZ: "Europe/Berlin", EMPTY: "" },
    tmpfs: [{ path: "/tmp", sizeBytes: 1024, mode: "1777" }, { path: "/run" }],
    devices: [{ host: "/dev/dri/renderD128", container: "/dev/dri/renderD128" }],
    groups: ["104"],
    dns: { servers: ["10.200.0.1"], search: ["home.internal"], options: ["ndots:1"] },
    extraHosts: { nas: "192.168.1.2" },
    capAdd: ["NET_ADMIN"],
    capDrop: ["ALL"],
    securityOpt: ["no-new-privileges"],
    sysctls: { "net.core.somaxconn": "1024" },
    ulimits: { nofile: { soft: 1024, hard: 2048 } },
    shmBytes: 64,
    memoryBytes: 128,
    cpus: 1.5,
    pid: "host",
    ipc: "private",
    runtime: "runsc",
    platform: "linux/arm64",
    stopSignal: "SIGINT",
    stopGraceMs: 10_500,
    privileged: true,
    init: true,
    tty: true,
    readOnly: true,
    restart: "no",
    logging: { driver: "local", options: { "max-size": "10m" } },
  });
  assert.deepEqual(
    [made.Cmd, made.Entrypoint, made.WorkingDir, made.User, made.Hostname],
    [["serve"], ["/init"], "/app", "1000:1000", "app"],
  );
  assert.deepEqual(made.Env, ["TZ=Europe/Berlin", "EMPTY="]);
  assert.deepEqual([made.platform, made.StopSignal, made.StopTimeout, made.Tty], ["linux/arm64", "SIGINT", 11, true]);
  assert.deepEqual(made.HostConfig, {
    NetworkMode: "host",
    RestartPolicy: { Name: "no" },
    LogConfig: { Type: "local", Config: { "max-size": "10m" } },
    Privileged: true,
    ReadonlyRootfs: true,
    Init: true,
    Mounts: [],
    Tmpfs: { "/tmp": "size=1024,mode=1777", "/run": "" },
    Devices: [{ PathOnHost: "/dev/dri/renderD128", PathInContainer: "/dev/dri/renderD128", CgroupPermissions: "rwm" }],
    GroupAdd: ["104"],
    Dns: ["10.200.0.1"],
    DnsSearch: ["home.internal"],
    DnsOptions: ["ndots:1"],
    ExtraHosts: ["nas:192.168.1.2"],
    CapAdd: ["NET_ADMIN"],
    CapDrop: ["ALL"],
    SecurityOpt: ["no-new-privileges"],
    Sysctls: { "net.core.somaxconn": "1024" },
    Ulimits: [{ Name: "nofile", Soft: 1024, Hard: 2048 }],
    ShmSize: 64,
    Memory: 128,
    NanoCpus: 1_500_000_000,
    PidMode: "host",
    IpcMode: "private",
    Runtime: "runsc",
  });
});

test("a fixed address and aliases belong to the one network", () => {
  const made = body({ network: { kind: "bridge", network: "fossora", address: "10.200.0.7", aliases: ["db"] } });
  assert.equal(made.HostConfig?.NetworkMode, "fossora");
  assert.deepEqual(made.NetworkingConfig, { EndpointsConfig: { fossora: { IPAMConfig: { IPv4Address: "10.200.0.7" }, Aliases: ["db"] } } });
});

test("a fixed MAC address is the endpoint's in a modern engine, and the container's in an older one", () => {
  const network = { kind: "bridge", network: "fossora", address: "10.200.0.7", aliases: [], macAddress: "02:00:00:00:00:01" } as const;
  assert.equal(body({ network }).NetworkingConfig?.EndpointsConfig?.["fossora"]?.MacAddress, "02:00:00:00:00:01");
  assert(!("MacAddress" in body({ network })));
  assert.equal(body({ network }, 41).MacAddress, "02:00:00:00:00:01");
  assert.equal(body({ network }, 41).NetworkingConfig?.EndpointsConfig?.["fossora"]?.MacAddress, undefined);
});

test("a network that is another container's has no endpoint of its own", () => {
  const made = body({ network: { kind: "container", id: "abc" } });
  assert.equal(made.HostConfig?.NetworkMode, "container:abc");
  assert(!("NetworkingConfig" in made));
});

test("host paths and volumes are mounts, never binds: a typo must not become a folder", () => {
  const made = body({
    mounts: [
      { target: "/media", readOnly: true, source: { hostPath: "/tank" } },
      { target: "/config", readOnly: false, source: { volume: "jellyfin-config" } },
    ],
  });
  assert.deepEqual(made.HostConfig?.Mounts, [
    { Type: "bind", Source: "/tank", Target: "/media", ReadOnly: true },
    { Type: "volume", Source: "jellyfin-config", Target: "/config", ReadOnly: false },
  ]);
  assert(!("Binds" in (made.HostConfig ?? {})));
});

test("a health check is Docker's command in nanoseconds, or switched off", () => {
  const healthcheck = { command: ["pg_isready"], intervalMs: 30_000, timeoutMs: 5000, retries: 3, startGraceMs: 60_000 };
  assert.deepEqual(body({ healthcheck }).Healthcheck, {
    Test: ["CMD", "pg_isready"],
    Interval: 30e9,
    Timeout: 5e9,
    Retries: 3,
    StartPeriod: 60e9,
    StartInterval: 1e9,
  });
  assert.deepEqual(body({ healthcheck: "none" }).Healthcheck, { Test: ["NONE"] });
});

test("published ports answer on this machine alone", () => {
  const made = body({
    publish: [
      { port: 80, protocol: "tcp" },
      { port: 53, protocol: "udp" },
    ],
  });
  assert.deepEqual(made.ExposedPorts, { "80/tcp": {}, "53/udp": {} });
  assert.deepEqual(made.HostConfig?.PortBindings, {
    "80/tcp": [{ HostIp: "127.0.0.1", HostPort: "" }],
    "53/udp": [{ HostIp: "127.0.0.1", HostPort: "" }],
  });
});

test("nvidia's runtime gets all of its devices", () => {
  assert.deepEqual(body({ gpus: "nvidia" }).HostConfig?.DeviceRequests, [{ Driver: "nvidia", Count: -1, Capabilities: [["gpu"]] }]);
});

test("`engine` wins: objects merge, and what is no list of things is replaced", () => {
  const made = body({
    command: ["serve"],
    dns: { servers: ["10.200.0.1"], search: [], options: [] },
    engine: { Domainname: "lab", Cmd: ["other"], HostConfig: { OomScoreAdj: 500, Dns: ["9.9.9.9"] } },
  });
  assert.equal(made.Domainname, "lab");
  assert.deepEqual([made.Cmd, made.HostConfig?.Dns], [["other"], ["9.9.9.9"]]);
  assert.deepEqual([made.HostConfig?.OomScoreAdj, made.HostConfig?.NetworkMode], [500, "host"]);
});

test("`engine` adds to lists of things, and takes nothing away: the app keeps its volumes", () => {
  const cache = { Type: "tmpfs", Target: "/cache" };
  const made = body({
    env: { TZ: "Europe/Berlin", A: "0" },
    capAdd: ["NET_ADMIN"],
    mounts: [
      { target: "/config", readOnly: false, source: { volume: "jellyfin-config" } },
      { target: "/cache", readOnly: false, source: { volume: "jellyfin-cache" } },
    ],
    devices: [{ host: "/dev/dri", container: "/dev/dri" }],
    engine: {
      Env: ["A=1", "B=2"],
      HostConfig: { CapAdd: ["SYS_TIME", "NET_ADMIN"], Mounts: [cache], Devices: [{ PathOnHost: "/dev/x", PathInContainer: "/dev/x" }] },
    },
  });
  assert.deepEqual(made.Env, ["TZ=Europe/Berlin", "A=1", "B=2"]);
  assert.deepEqual(made.HostConfig?.CapAdd, ["SYS_TIME", "NET_ADMIN"]);
  assert.deepEqual(made.HostConfig?.Mounts, [{ Type: "volume", Source: "jellyfin-config", Target: "/config", ReadOnly: false }, cache]);
  const devices = [
    { PathOnHost: "/dev/dri", PathInContainer: "/dev/dri", CgroupPermissions: "rwm" },
    { PathOnHost: "/dev/x", PathInContainer: "/dev/x" },
  ];
  assert.deepEqual(made.HostConfig?.Devices, devices);
});

test("a grace is never shorter than asked", () => {
  assert.deepEqual([0, 1, 1000, 1001].map(seconds), [0, 1, 1, 2]);
});
