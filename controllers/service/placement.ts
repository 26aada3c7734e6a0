// Where an instance may run and where it runs best. Pure: the same facts give the same node on every node.
import { hash } from "../../src/api/hash.ts";
import type { Name, NodeName } from "../../src/api/resource.ts";
import { formatSize } from "../../src/api/sizes.ts";
import type { DecidedVolume } from "../../src/api/state.ts";
import type { Requirements, ServiceSpec } from "../../src/api/types.ts";
import type { Load, NodeFacts } from "./facts.ts";
import { deviceClasses, pinnedNodes, reservedBytes, reservedCpus } from "./traits.ts";

export interface Wanted {
  readonly service: Name;
  readonly spec: ServiceSpec;
  /** The Volumes of the spec that exist already: the data pins the instance. */
  readonly volumes: Readonly<Record<Name, DecidedVolume>>;
  /** Volumes that it would take for its own and that other Services made, with whose each is. */
  readonly taken?: Readonly<Record<Name, Name>>;
  /** Nodes that have all its images already, because they pulled them for it. */
  readonly prepared?: ReadonlySet<NodeName>;
}

/** A node that may take one more instance, or why not. */
export interface Fitness {
  readonly node: NodeName;
  readonly fits: boolean;
  readonly reason: string;
}

export interface Place {
  readonly node: NodeName;
  readonly why: string;
}

/** Every node with its reason, by name. */
export function fitness(wanted: Wanted, nodes: readonly NodeFacts[]): readonly Fitness[] {
  return [...nodes].sort(byName).map((node) => {
    const problem = misfit(wanted, node);
    return { node: node.name, fits: problem === undefined, reason: problem ?? (bound(wanted, node.name) || "it fits") };
  });
}

/** What comes to nodes besides, by name. */
export type Coming = ReadonlyMap<NodeName, Load>;

const NOTHING_COMES: Coming = new Map();

/**
 * `here`: how many instances of this Service each node has; `coming` counts for what is best, not for what is possible. Undefined: no
 * node fits.
 */
export function place(
  wanted: Wanted,
  nodes: readonly NodeFacts[],
  here: ReadonlyMap<NodeName, number>,
  coming = NOTHING_COMES,
): Place | undefined {
  const fit = [...nodes].sort(byName).filter((node) => misfit(wanted, node) === undefined);
  const spread = wanted.spec.placement?.spread !== "none";
  const ranked = fit.map((node) => {
    const later = { ...node, load: sum(node.load, coming.get(node.name)) };
    const rank = [
      spread ? (here.get(node.name) ?? 0) : 0,
      -preferences(wanted.spec.placement?.prefer, node),
      wanted.prepared?.has(node.name) === true ? 0 : 1,
      fullness(later),
      later.load.instances,
      // So that empty houses do not fill up in the order of the alphabet.
      Number.parseInt(hash(`${wanted.service}/${node.name}`), 36),
    ];
    return { node, rank };
  });
  const [best] = ranked.sort((a, b) => compare(a.rank, b.rank));
  if (best === undefined) return undefined;
  const name = best.node.name;
  const others = fit.length === 1 ? "the only node that fits" : `least loaded of ${fit.length} nodes that fit`;
  return { node: name, why: bound(wanted, name) || others };
}

/** Another Service of which so many instances are to be placed before. */
export interface Ahead {
  readonly wanted: Wanted;
  readonly count: number;
  /** How many instances of it each node has. */
  readonly here: ReadonlyMap<NodeName, number>;
}

/** What those will take of each node. */
export function comingLoads(ahead: readonly Ahead[], nodes: readonly NodeFacts[]): Coming {
  const coming = new Map<NodeName, Load>();
  for (const { wanted, count, here } of ahead) {
    const there = new Map(here);
    for (let placed = 0; placed < count; placed++) {
      const found = place(wanted, nodes, there, coming);
      if (found === undefined) break;
      there.set(found.node, (there.get(found.node) ?? 0) + 1);
      coming.set(found.node, sum(reserved(wanted.spec), coming.get(found.node)));
    }
  }
  return coming;
}

/** How many more instances the nodes can take, `most` at most. */
export function roomFor(wanted: Wanted, nodes: readonly NodeFacts[], most: number): number {
  let room = 0;
  for (let node of nodes) for (; room < most && misfit(wanted, node) === undefined; room++) node = withLoad(wanted.spec, node, 1);
  return room;
}

/** As it is with so many more instances; what nobody knows the spec of reserves nothing. */
export function withLoad(spec: ServiceSpec | undefined, node: NodeFacts, count: 1 | -1): NodeFacts {
  const { instances, memoryBytes, cpus } = reserved(spec);
  return { ...node, load: sum(node.load, { instances: count * instances, memoryBytes: count * memoryBytes, cpus: count * cpus }) };
}

function reserved(spec: ServiceSpec | undefined): Load {
  return spec === undefined
    ? { instances: 1, memoryBytes: 0, cpus: 0 }
    : { instances: 1, memoryBytes: reservedBytes(spec), cpus: reservedCpus(spec) };
}

function sum(a: Load, b: Load | undefined): Load {
  if (b === undefined) return a;
  return { instances: a.instances + b.instances, memoryBytes: a.memoryBytes + b.memoryBytes, cpus: a.cpus + b.cpus };
}

/** Of one Service. */
export function countByNode(instances: readonly { readonly node: NodeName }[]): ReadonlyMap<NodeName, number> {
  const counts = new Map<NodeName, number>();
  for (const { node } of instances) counts.set(node, (counts.get(node) ?? 0) + 1);
  return counts;
}

/** Whether the spec forbids the node, whatever its state: then an instance there must move. */
export function isForbidden(wanted: Wanted, node: NodeFacts): boolean {
  return ruledOut(wanted, node) !== undefined;
}

function misfit(wanted: Wanted, node: NodeFacts): string | undefined {
  const { record } = node;
  if (node.downSinceMs !== undefined) return "it is Down";
  if (record === undefined) return "its agent is silent";
  if (node.isWitness) return "it is a witness";
  if (node.leaving !== undefined) return node.leaving === "drained" ? "it is drained" : "it is about to stop";
  if (node.membership === 0) return "it leaves the house";
  if (!node.schedulable) return "it is cordoned";
  // What runs already may stay: it does not mount them.
  const [taken] = Object.entries(wanted.taken ?? {});
  if (taken !== undefined) return `volume '${taken[0]}' is that of the Service '${taken[1]}'`;
  const problem = ruledOut(wanted, node);
  if (problem !== undefined) return problem;
  const offered = new Set(record.value.devices.map((device) => device.class));
  const lacking = deviceClasses(wanted.spec).filter((name) => !offered.has(name));
  if (lacking.length > 0) return `it lacks the device ${lacking.map((name) => `'${name}'`).join(" and ")}`;
  return shortage(wanted.spec, node);
}

function ruledOut({ spec, volumes }: Wanted, node: NodeFacts): string | undefined {
  const arch = node.record?.value.arch;
  const elsewhere = pinnedNodes(spec).find((name) => name !== node.name);
  if (elsewhere !== undefined) return `a folder of ${elsewhere} is mounted`;
  const volume = Object.entries(volumes).find(([, { node: owner }]) => owner !== node.name);
  if (volume !== undefined) return `volume '${volume[0]}' is on ${volume[1].node}`;
  const { require } = spec.placement ?? {};
  if (require?.nodes !== undefined && !require.nodes.includes(node.name)) return `placement requires ${require.nodes.join(" or ")}`;
  if (require?.arch !== undefined && arch !== undefined && !require.arch.includes(arch))
    return `it is ${arch}, and ${require.arch.join(" or ")} is required`;
  const label = Object.entries(require?.labels ?? {}).find(([key, value]) => node.labels[key] !== value);
  return label && `placement requires the label ${label[0]}=${label[1]}`;
}

/** An image has to be pulled, and a disk that is full stops all that is there. */
const DISK_FREE_MIN_BYTES = 2 ** 30;

function shortage(spec: ServiceSpec, { record, load }: NodeFacts): string | undefined {
  if (record === undefined) return undefined;
  const { cpus, memoryBytes, diskFreeBytes } = record.value;
  const most = Math.max(0, ...spec.containers.map((container) => container.resources?.cpus ?? 0));
  if (most > cpus) return `it has ${cpus} CPUs, and ${most} are asked for`;
  const freeCpus = Math.max(0, cpus - load.cpus);
  if (reservedCpus(spec) > freeCpus) return `CPUs: needs ${shortNumber(reservedCpus(spec))}, ${shortNumber(freeCpus)} free`;
  const needed = reservedBytes(spec);
  const free = Math.max(0, memoryBytes - load.memoryBytes);
  if (needed > free) return `memory: needs ${formatSize(needed)}, ${formatSize(free)} free`;
  const isFull = diskFreeBytes !== undefined && diskFreeBytes < DISK_FREE_MIN_BYTES;
  return isFull ? `its disk is full: ${formatSize(Math.round(diskFreeBytes / MEBIBYTE) * MEBIBYTE)} free` : undefined;
}

const MEBIBYTE = 2 ** 20;

function shortNumber(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** What binds the instance to this node, as a clause. */
function bound({ spec, volumes }: Wanted, node: NodeName): string {
  const folders = pinnedNodes(spec).includes(node) ? ["its folders are mounted"] : [];
  const data = Object.keys(volumes)
    .sort()
    .map((name) => `volume '${name}' is there`);
  const devices = deviceClasses(spec).map((name) => `has ${name}`);
  return [...folders, ...data, ...devices].join(", ");
}

/** How many of them the node meets. */
export function preferences(prefer: Requirements | undefined, node: NodeFacts): number {
  const labels = Object.entries(prefer?.labels ?? {}).filter(([key, value]) => node.labels[key] === value).length;
  const arch = prefer?.arch?.includes(node.record?.value.arch ?? "") ? 1 : 0;
  return labels + arch + (prefer?.nodes?.includes(node.name) ? 1 : 0);
}

/** In steps, so that small differences do not outweigh the number of instances. */
function fullness(node: NodeFacts): number {
  return Math.floor(10 * fullPart(node));
}

/** Of what it has least left of, 0 to 1: memory and CPUs as far as they are reserved, and a disk from where it becomes short. */
export function fullPart({ load, record }: NodeFacts): number {
  if (record === undefined) return 0;
  const { memoryBytes, cpus, diskBytes, diskFreeBytes = diskBytes } = record.value;
  const diskUsed = 1 - diskFreeBytes / Math.max(1, diskBytes);
  const short = Math.max(0, (diskUsed - DISK_SHORT_FROM) / (1 - DISK_SHORT_FROM));
  return Math.max(load.memoryBytes / Math.max(1, memoryBytes), load.cpus / Math.max(1, cpus), short);
}

/** What lies on a disk says little about apps, until it is nearly full. */
const DISK_SHORT_FROM = 0.8;

function compare(a: readonly number[], b: readonly number[]): number {
  for (const [index, value] of a.entries()) {
    const difference = value - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

function byName(a: NodeFacts, b: NodeFacts): number {
  return a.name < b.name ? -1 : 1;
}
