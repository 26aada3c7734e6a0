// How busy the house's computers and apps are at this moment, as `top` shows it: measured when somebody asks, never kept. Pure.
import type { Name, NodeName } from "./resource.ts";

/** One node's own measurement. */
export interface NodeLoad {
  readonly cpus: number;
  /** Busy, in cores, over the last second. */
  readonly busyCpus: number;
  readonly memoryBytes: number;
  /** Without what can be dropped. */
  readonly usedBytes: number;
  readonly containers: readonly ContainerLoad[];
}

export interface ContainerLoad {
  readonly service: Name;
  /** `jellyfin-k3f9` */
  readonly instance: Name;
  readonly busyCpus: number;
  readonly usedBytes: number;
}

/** Or why it is not known. */
export type NodeLoadReport = { readonly node: NodeName } & ({ readonly load: NodeLoad } | { readonly unknown: string });

export interface InstanceLoad {
  readonly name: Name;
  readonly node: NodeName;
  readonly busyCpus: number;
  readonly usedBytes: number;
}

export interface ServiceLoad {
  readonly name: Name;
  readonly busyCpus: number;
  readonly usedBytes: number;
  readonly instances: readonly InstanceLoad[];
}

/** `GET /api/v1/top`. */
export interface HouseLoad {
  readonly kind: "HouseLoad";
  readonly nodes: readonly NodeLoadReport[];
  readonly services: readonly ServiceLoad[];
}

/** The sums of each Service over all nodes, by name. */
export function houseLoad(reports: readonly NodeLoadReport[]): HouseLoad {
  const services = new Map<Name, Map<Name, InstanceLoad>>();
  for (const report of reports) {
    if ("unknown" in report) continue;
    for (const { service, instance, busyCpus, usedBytes } of report.load.containers) {
      const instances = services.get(service) ?? new Map<Name, InstanceLoad>();
      services.set(service, instances);
      const before = instances.get(instance) ?? { busyCpus: 0, usedBytes: 0 };
      instances.set(instance, { name: instance, node: report.node, ...plus(before, { busyCpus, usedBytes }) });
    }
  }
  return {
    kind: "HouseLoad",
    nodes: reports.toSorted((a, b) => (a.node < b.node ? -1 : 1)),
    services: [...services].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([name, instances]) => serviceLoad(name, [...instances.values()])),
  };
}

interface Used {
  readonly busyCpus: number;
  readonly usedBytes: number;
}

function serviceLoad(name: Name, instances: readonly InstanceLoad[]): ServiceLoad {
  const sorted = instances.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  return { name, ...sorted.reduce<Used>(plus, { busyCpus: 0, usedBytes: 0 }), instances: sorted };
}

function plus(a: Used, b: Used): Used {
  return { busyCpus: a.busyCpus + b.busyCpus, usedBytes: a.usedBytes + b.usedBytes };
}
