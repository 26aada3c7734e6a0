// What follows from a Service's spec about how its instances may be treated: whether two may run, where they are bound, what they need.
import { engineMounts } from "../../src/api/engine-options.ts";
import type { Name, NodeName } from "../../src/api/resource.ts";
import { whyNotTwice } from "../../src/api/service-rules.ts";
import { sizeBytes } from "../../src/api/sizes.ts";
import type { Container, ServiceSpec, VolumeMount } from "../../src/api/types.ts";
import { ownVolume } from "../../src/api/volume-names.ts";

/** What an instance reserves that says nothing. */
export const RESERVED_BYTES_DEFAULT = 128 * 2 ** 20;
/** `stopGrace` of a container of which nobody knows it any more. */
export const STOP_GRACE_DEFAULT_MS = 10_000;

export type UpdateOrder = "start-first" | "stop-first";

/** Two at once would fight over data, a device, a port or an address. */
export function cannotRunTwice(spec: ServiceSpec): boolean {
  return whyNotTwice(spec) !== undefined;
}

export function updateOrder(spec: ServiceSpec): UpdateOrder {
  return spec.update.order ?? (cannotRunTwice(spec) ? "stop-first" : "start-first");
}

/** Whether another node may take an instance over when its own is Down. Data stays where it is, so what uses it stays. */
export function isMovable(spec: ServiceSpec): boolean {
  return spec.failover !== "never" && volumeNames("", spec).length === 0 && pinnedNodes(spec).length === 0 && !hasEngineData(spec);
}

/**
 * Data that `engine` mounts is on its node and nowhere else, as far as anybody knows: Docker makes an empty folder or volume where there is
 * none, so elsewhere the app would begin anew.
 */
export function hasEngineData(spec: ServiceSpec): boolean {
  return spec.containers.flatMap(engineMounts).some(({ isPath, readOnly }) => !isPath || !readOnly);
}

/**
 * Another node may take it over, and two at once would do harm: its node must end it by itself when it loses contact. Of `all` each node
 * has its own, whatever they share, and none starts another's.
 */
export function isExclusive(spec: ServiceSpec): boolean {
  return cannotRunTwice(spec) && spec.replicas !== "all" && isMovable(spec) && spec.placement?.require?.nodes?.length !== 1;
}

/** Names of the Volumes that a Service mounts: its own are `<service>-<name>`, shared ones have a name of their own. */
export function volumeNames(service: Name, spec: ServiceSpec): readonly Name[] {
  const names = mounts(spec)
    .map((mount) => volumeName(service, mount))
    .filter((name) => name !== undefined);
  return [...new Set(names)].sort();
}

export function volumeName(service: Name, mount: VolumeMount): Name | undefined {
  if (mount.type === "volume") return ownVolume(service, mount.name);
  return mount.type === "shared" ? mount.name : undefined;
}

/** Nodes whose own folders are mounted (`nas:/tank:/films`). */
export function pinnedNodes(spec: ServiceSpec): readonly NodeName[] {
  return [...new Set(mounts(spec).flatMap((mount) => (mount.type === "node" ? [mount.node] : [])))].sort();
}

export function reservedBytes(spec: ServiceSpec): number {
  const sizes = spec.containers.map((container) => container.resources?.memory).filter((size) => size !== undefined);
  return sizes.length === 0 ? RESERVED_BYTES_DEFAULT : sizes.reduce((sum, size) => sum + sizeBytes(size), 0);
}

/** Of containers that name a limit; the others reserve none. */
export function reservedCpus(spec: ServiceSpec): number {
  return spec.containers.reduce((sum, { resources }) => sum + (resources?.cpus ?? 0), 0);
}

/** Device classes that a node must advertise; a plain path is one that every machine has. */
export function deviceClasses(spec: ServiceSpec): readonly string[] {
  const classes = spec.containers.flatMap((container) => (container.devices ?? []).map((device) => device.class));
  return [...new Set(classes.filter((name) => !isPlainPath(name)))].sort();
}

export function isPlainPath(device: string): boolean {
  return device.startsWith("/") && !device.startsWith("/dev/serial/");
}

/** `container:NAME` of a `network` field. */
export function networkOf(container: Container): string | undefined {
  return container.network.startsWith("container:") ? container.network.slice("container:".length) : undefined;
}

/** Containers in the order in which they start: each after those that it waits for or whose network it shares. */
export function startOrder(containers: readonly Container[]): readonly Container[] {
  const sorted: Container[] = [];
  const visited = new Set<string>();
  const visit = (container: Container): void => {
    if (visited.has(container.name)) return;
    visited.add(container.name);
    const needed = new Set([...(container.after ?? []), networkOf(container)]);
    for (const other of containers) if (needed.has(other.name)) visit(other);
    sorted.push(container);
  };
  for (const container of containers) visit(container);
  return sorted;
}

function mounts(spec: ServiceSpec): readonly VolumeMount[] {
  return spec.containers.flatMap((container) => container.volumes ?? []);
}
