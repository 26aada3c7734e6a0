// From a ContainerSpec to the body of Docker's create call: nothing is decided here. Pure.
import type { ContainerCreateOptions } from "dockerode";
import type { ContainerSpec } from "../../container-ports.ts";

/** Since this version a fixed MAC address belongs to the endpoint; before, to the container. */
const endpointMacMinor = 44;

export function createBody(spec: ContainerSpec, apiMinor: number): ContainerCreateOptions {
  const body: ContainerCreateOptions = {
    name: spec.name,
    ...(spec.platform !== undefined && { platform: spec.platform }),
    Image: spec.image,
    Labels: { ...spec.labels },
    Env: Object.entries(spec.env).map(([name, value]) => `${name}=${value}`),
    ...(spec.command && { Cmd: [...spec.command] }),
    ...(spec.entrypoint && { Entrypoint: [...spec.entrypoint] }),
    ...(spec.workingDir !== undefined && { WorkingDir: spec.workingDir }),
    ...(spec.user !== undefined && { User: spec.user }),
    ...(spec.hostname !== undefined && { Hostname: spec.hostname }),
    ...(spec.stopSignal !== undefined && { StopSignal: spec.stopSignal }),
    StopTimeout: seconds(spec.stopGraceMs),
    Tty: spec.tty,
    ...(spec.healthcheck !== undefined && { Healthcheck: healthcheck(spec.healthcheck) }),
    ...(spec.publish.length > 0 && { ExposedPorts: Object.fromEntries(spec.publish.map((each) => [portKey(each), {}])) }),
    HostConfig: hostConfig(spec),
    ...endpoint(spec.network, apiMinor),
  };
  return spec.engine ? (merge(body, spec.engine) as ContainerCreateOptions) : body; // both are objects, so is the merger
}

/** Docker counts in whole seconds: never shorter than asked. */
export function seconds(ms: number): number {
  return Math.ceil(ms / 1000);
}

type HostConfig = NonNullable<ContainerCreateOptions["HostConfig"]>;

function hostConfig(spec: ContainerSpec): HostConfig {
  return {
    NetworkMode: networkMode(spec.network),
    RestartPolicy: { Name: spec.restart },
    LogConfig: { Type: spec.logging.driver, Config: spec.logging.options },
    Privileged: spec.privileged,
    ReadonlyRootfs: spec.readOnly,
    Init: spec.init,
    Mounts: spec.mounts.map(mount),
    ...(spec.tmpfs.length > 0 && { Tmpfs: Object.fromEntries(spec.tmpfs.map((each) => [each.path, tmpfsOptions(each)])) }),
    ...(spec.devices.length > 0 && {
      Devices: spec.devices.map((each) => ({ PathOnHost: each.host, PathInContainer: each.container, CgroupPermissions: "rwm" })),
    }),
    ...(spec.gpus === "nvidia" && { DeviceRequests: [{ Driver: "nvidia", Count: -1, Capabilities: [["gpu"]] }] }),
    ...(spec.groups.length > 0 && { GroupAdd: [...spec.groups] }),
    ...(spec.dns && { Dns: [...spec.dns.servers], DnsSearch: [...spec.dns.search], DnsOptions: [...spec.dns.options] }),
    ...(spec.publish.length > 0 && {
      PortBindings: Object.fromEntries(spec.publish.map((each) => [portKey(each), [{ HostIp: "127.0.0.1", HostPort: "" }]])),
    }),
    ...(Object.keys(spec.extraHosts).length > 0 && {
      ExtraHosts: Object.entries(spec.extraHosts).map(([host, address]) => `${host}:${address}`),
    }),
    ...(spec.capAdd.length > 0 && { CapAdd: [...spec.capAdd] }),
    ...(spec.capDrop.length > 0 && { CapDrop: [...spec.capDrop] }),
    ...(spec.securityOpt.length > 0 && { SecurityOpt: [...spec.securityOpt] }),
    ...(Object.keys(spec.sysctls).length > 0 && { Sysctls: spec.sysctls }),
    ...(Object.keys(spec.ulimits).length > 0 && {
      Ulimits: Object.entries(spec.ulimits).map(([Name, { soft, hard }]) => ({ Name, Soft: soft, Hard: hard })),
    }),
    ...(spec.shmBytes !== undefined && { ShmSize: spec.shmBytes }),
    ...(spec.memoryBytes !== undefined && { Memory: spec.memoryBytes }),
    ...(spec.cpus !== undefined && { NanoCpus: Math.round(spec.cpus * 1e9) }),
    ...(spec.pid !== undefined && { PidMode: spec.pid }),
    ...(spec.ipc !== undefined && { IpcMode: spec.ipc }),
    ...(spec.runtime !== undefined && { Runtime: spec.runtime }),
  };
}

function networkMode(network: ContainerSpec["network"]): string {
  switch (network.kind) {
    case "bridge":
      return network.network;
    case "host":
      return "host";
    case "container":
      return `container:${network.id}`;
  }
}

function endpoint(network: ContainerSpec["network"], apiMinor: number): Pick<ContainerCreateOptions, "NetworkingConfig" | "MacAddress"> {
  if (network.kind !== "bridge") return {};
  const { address, aliases, macAddress } = network;
  const ofEndpoint = macAddress !== undefined && apiMinor >= endpointMacMinor;
  const settings = { IPAMConfig: { IPv4Address: address }, Aliases: [...aliases], ...(ofEndpoint && { MacAddress: macAddress }) };
  return {
    NetworkingConfig: { EndpointsConfig: { [network.network]: settings } },
    ...(macAddress !== undefined && !ofEndpoint && { MacAddress: macAddress }),
  };
}

/** `Mounts`, never `Binds`: of a host path that is missing, Binds would make an empty folder. */
function mount({ target, readOnly, source }: ContainerSpec["mounts"][number]): NonNullable<HostConfig["Mounts"]>[number] {
  return "volume" in source
    ? { Type: "volume", Source: source.volume, Target: target, ReadOnly: readOnly }
    : { Type: "bind", Source: source.hostPath, Target: target, ReadOnly: readOnly };
}

function tmpfsOptions({ sizeBytes, mode }: ContainerSpec["tmpfs"][number]): string {
  return [...(sizeBytes === undefined ? [] : [`size=${sizeBytes}`]), ...(mode === undefined ? [] : [`mode=${mode}`])].join(",");
}

/** Between two checks while it starts. */
const startIntervalMs = 1000;

function healthcheck(check: NonNullable<ContainerSpec["healthcheck"]>): NonNullable<ContainerCreateOptions["Healthcheck"]> {
  if (check === "none") return { Test: ["NONE"] };
  return {
    Test: ["CMD", ...check.command],
    Interval: check.intervalMs * 1e6,
    Timeout: check.timeoutMs * 1e6,
    Retries: check.retries,
    StartPeriod: check.startGraceMs * 1e6,
    // Known since API 1.44, passed over before: without it an app is found up after a whole interval only.
    StartInterval: Math.min(check.intervalMs, startIntervalMs) * 1e6,
  };
}

function portKey({ port, protocol }: ContainerSpec["publish"][number]): string {
  return `${port}/${protocol}`;
}

/**
 * Lists that `engine` adds to, each with what tells its entries apart: of two that are alike that of `engine` counts. Replaced, its mounts
 * would take an app's volumes away.
 */
const ADDED_TO: Readonly<Record<string, (entry: unknown) => unknown>> = {
  Env: (pair) => String(pair).split("=")[0],
  "HostConfig.Mounts": (entry) => field(entry, "Target"),
  "HostConfig.Devices": (entry) => field(entry, "PathInContainer"),
  "HostConfig.DeviceRequests": (entry) => entry,
  "HostConfig.Ulimits": (entry) => field(entry, "Name"),
  "HostConfig.ExtraHosts": (pair) => String(pair).split(":")[0],
  "HostConfig.CapAdd": (entry) => entry,
  "HostConfig.CapDrop": (entry) => entry,
  "HostConfig.GroupAdd": (entry) => entry,
  "HostConfig.SecurityOpt": (entry) => entry,
};

/** `over` wins; objects merge, some lists are added to, everything else is replaced. */
function merge(under: unknown, over: unknown, at = ""): unknown {
  const idOf = ADDED_TO[at];
  if (idOf !== undefined && isList(under) && isList(over)) {
    const ids = new Set(over.map(idOf));
    return [...under.filter((entry) => !ids.has(idOf(entry))), ...over];
  }
  if (!isObject(under) || !isObject(over)) return over;
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over))
    merged[key] = key in under ? merge(under[key], value, at === "" ? key : `${at}.${key}`) : value;
  return merged;
}

function field(entry: unknown, name: string): unknown {
  return isObject(entry) ? entry[name] : entry;
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
