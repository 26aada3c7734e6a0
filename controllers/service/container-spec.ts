// From one container of a Service to all that Docker's create call needs: names, labels, mounts, devices, limits.
import { durationMs } from "../../src/api/durations.ts";
import { fill, type FillValues } from "../../src/api/fill.ts";
import { containerName, LABEL } from "../../src/api/labels.ts";
import type { Name } from "../../src/api/resource.ts";
import { sizeBytes } from "../../src/api/sizes.ts";
import type { AdvertisedDevice } from "../../src/api/state.ts";
import type { Container, FileEntry, ServiceSpec, VolumeMount } from "../../src/api/types.ts";
import type { ContainerSpec } from "./docker-types.ts";
import { portsToPublish } from "./published.ts";
import { containerHash } from "./spec-hash.ts";
import { isPlainPath, volumeName } from "./traits.ts";

/** One container of one instance. */
export interface Part {
  readonly service: Name;
  readonly instance: string;
  readonly spec: ServiceSpec;
  readonly container: Container;
}

/** What the node puts in. */
export interface Fillings {
  readonly values: FillValues;
  /** By `name/key`; all that the container names. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly devices: readonly AdvertisedDevice[];
  readonly network: ContainerSpec["network"];
  /** Where containers on a bridge ask for names. */
  readonly nameServers: readonly string[];
  /** Containers cannot be dialled by their addresses. */
  readonly remoteNetwork: boolean;
}

const LOGGING = { driver: "local", options: { "max-size": "10m", "max-file": "3" } };

/** Under which the node's addresses keep the private network of an instance. */
export function networkKey(service: Name, instance: string): string {
  return `${service}-${instance}`;
}

/** Docker's name of a Volume: with a prefix, so that a foreign one is never taken for ours. */
export function dockerVolume(volume: Name): string {
  return `fossora-${volume}`;
}

export function labelsOf({ service, instance, spec, container }: Part): Readonly<Record<string, string>> {
  return {
    [LABEL.kind]: "Service",
    [LABEL.name]: service,
    [LABEL.instance]: instance,
    [LABEL.container]: container.name,
    [LABEL.specHash]: containerHash(spec, container),
    [LABEL.restart]: container.restart,
  };
}

export function containerSpec(part: Part, fillings: Fillings): ContainerSpec {
  const { service, instance, container } = part;
  const { command, entrypoint, workingDir, user, hostname, stopSignal, pid, ipc, runtime, platform, engine } = container;
  const optional = { command, entrypoint, workingDir, user, hostname, stopSignal, pid, ipc, runtime, platform, engine };
  return {
    ...withoutAbsent(optional),
    name: containerName(service, instance, container.name),
    labels: { ...container.labels, ...labelsOf(part) },
    image: container.image,
    env: environment(container, fillings),
    mounts: (container.volumes ?? []).map((mount) => ({
      target: mount.path,
      readOnly: mount.readOnly,
      source: mountSource(service, mount),
    })),
    tmpfs: (container.tmpfs ?? []).map(({ path, size, mode }) => ({
      path,
      ...(size !== undefined && { sizeBytes: sizeBytes(size) }),
      ...(mode !== undefined && { mode }),
    })),
    ...deviceFields(container, fillings.devices),
    ...healthcheckField(container),
    network: fillings.network,
    ...(fillings.network.kind === "bridge" && {
      dns: { servers: fillings.nameServers, search: [fillings.values.zone], options: ["ndots:1"] },
    }),
    publish: fillings.remoteNetwork && fillings.network.kind === "bridge" ? portsToPublish(part.spec, container) : [],
    extraHosts: container.extraHosts ?? {},
    restart: container.restart,
    privileged: container.privileged,
    capAdd: container.capAdd ?? [],
    capDrop: container.capDrop ?? [],
    securityOpt: container.securityOpt ?? [],
    sysctls: container.sysctls ?? {},
    ulimits: container.ulimits ?? {},
    ...(container.shmSize !== undefined && { shmBytes: sizeBytes(container.shmSize) }),
    ...(container.resources?.memory !== undefined && { memoryBytes: sizeBytes(container.resources.memory) }),
    ...(container.resources?.cpus !== undefined && { cpus: container.resources.cpus }),
    init: container.init,
    tty: container.tty,
    readOnly: container.readOnly,
    stopGraceMs: durationMs(container.stopGrace),
    logging: container.logging ? { driver: container.logging.driver, options: container.logging.options ?? {} } : LOGGING,
  };
}

/** The files of a container as they are written: filled in, secrets resolved. */
export function filesOf(container: Container, { values, secrets }: Pick<Fillings, "values" | "secrets">): readonly FileEntry[] {
  return (container.files ?? []).map(({ path, mode, owner, content, secret }) => ({
    path,
    mode,
    ...(owner !== undefined && { owner }),
    content: secret === undefined ? fill(content ?? "", values) : (secrets[secret] ?? ""),
  }));
}

/** Paths of this machine that must exist before the container is made: Docker would make an empty folder of a typo. */
export function hostPathsOf(container: Container): readonly string[] {
  return (container.volumes ?? []).flatMap((mount) => (mount.type === "host" || mount.type === "node" ? [mount.source] : []));
}

function environment(container: Container, { values, secrets }: Fillings): Readonly<Record<string, string>> {
  const entries = Object.entries(container.env ?? {});
  return Object.fromEntries(
    entries.map(([name, value]) => [name, typeof value === "string" ? fill(value, values) : (secrets[value.secret] ?? "")]),
  );
}

function mountSource(service: Name, mount: VolumeMount): ContainerSpec["mounts"][number]["source"] {
  if (mount.type === "host" || mount.type === "node") return { hostPath: mount.source };
  return { volume: dockerVolume(volumeName(service, mount) ?? mount.name) };
}

function deviceFields(container: Container, advertised: readonly AdvertisedDevice[]): Pick<ContainerSpec, "devices" | "gpus" | "groups"> {
  const requests = container.devices ?? [];
  const found = requests.map((request) => ({ request, device: advertised.find((device) => device.class === request.class) }));
  const devices = found.flatMap(({ request, device }) => {
    const paths = isPlainPath(request.class) ? [request.class] : (device?.paths ?? []);
    return paths.map((host) => ({ host, container: paths.length === 1 ? (request.path ?? host) : host }));
  });
  const groups = found.flatMap(({ device }) => (device?.groups ?? []).map(String));
  // A class without paths is one that a runtime brings in.
  const gpus = found.some(({ device }) => device?.paths.length === 0) ? "nvidia" : "none";
  return { devices, gpus, groups: [...new Set([...(container.groupAdd ?? []), ...groups])] };
}

/** Docker runs commands; the agent runs the other checks, and then Docker's own would be one too many. */
function healthcheckField({ health }: Container): Pick<ContainerSpec, "healthcheck"> {
  if (health === undefined) return {};
  if (health === "none" || !("command" in health)) return { healthcheck: "none" };
  const { command, interval, timeout, retries, startGrace } = health;
  return {
    healthcheck: {
      command,
      intervalMs: durationMs(interval),
      timeoutMs: durationMs(timeout),
      retries,
      startGraceMs: durationMs(startGrace),
    },
  };
}

function withoutAbsent<T extends Readonly<Record<string, unknown>>>(fields: T): { readonly [K in keyof T]?: Exclude<T[K], undefined> } {
  const present = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(present) as { readonly [K in keyof T]?: Exclude<T[K], undefined> }; // only absent fields were left out
}
