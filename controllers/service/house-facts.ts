// Reads from the mirror what a decision about one Service needs: nodes, loads, what is decided and what every node observed.
import { containerName } from "../../src/api/labels.ts";
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedMembership, DecidedService, DecidedVolume, ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { Change, Index, Mirror } from "../../src/engine/contract.ts";
import type { HouseFacts, Load, NodeFacts, OtherService } from "./facts.ts";
import { networkKey } from "./container-spec.ts";
import { isOnEach } from "./lost.ts";
import { chainOf, predecessors } from "./order.ts";
import { countByNode, type Ahead } from "./placement.ts";
import { preparedNodes } from "./prepared.ts";
import { isMovable, reservedBytes, reservedCpus } from "./traits.ts";
import { freedNodes, isOpen, isUnsound, reliesOn, waitsForRoom } from "./waiting.ts";

/** `nas 134217728 0.5 0`: node, memory and CPUs that an instance reserves, and which of the Service's equal ones: so loads need no walk over Services. */
const byLoad: Index = { kind: "Service", room: "decided", keys: loadKeys };

/** By image, so that none is removed that another Service needs. */
const byImage: Index = { kind: "Service", room: "decided", keys: imagesOf };

/** Of all its revisions. */
export function imagesOf(decided: DecidedService | undefined): readonly string[] {
  return [...new Set(Object.values(decided?.revisions ?? {}).flatMap(({ spec }) => spec.containers.map(({ image }) => image)))];
}

/** By the names of containers, and of the networks, of decided instances on whatever node. */
const byContainerName: Index = {
  kind: "Service",
  room: "decided",
  keys: ({ instances, revisions }: DecidedService, name) =>
    instances.flatMap(({ id, revision }) => [
      networkKey(name, id),
      ...(revisions[revision]?.spec.containers ?? []).map((container) => containerName(name, id, container.name)),
    ]),
};

/** By the nodes that they rely on. */
const byRelied: Index = { kind: "Service", room: "decided", keys: reliesOn };

export function isDecidedName(name: string, mirror: Mirror): boolean {
  return mirror.index(byContainerName).has(name);
}

interface Moments {
  readonly desiredSeenAtMs: number;
  readonly volumes: Readonly<Record<Name, DecidedVolume | undefined>>;
}

export function houseFacts(name: Name, mirror: Mirror, { desiredSeenAtMs, volumes }: Moments): HouseFacts {
  const nodes = nodeFacts(mirror);
  return {
    revision: mirror.revision,
    nodes,
    decided: mirror.decided<DecidedService>("Service", name),
    observed: mirror.observed<ObservedService>("Service", name),
    told: new Map(
      nodes.flatMap(({ name: node }) => {
        const told = mirror.written<ObservedService>("Service", name, node);
        return told === undefined ? [] : [[node, told.value] as const];
      }),
    ),
    takenOut: takenOut(name, new Set(nodes.map((node) => node.name)), mirror),
    desiredSeenAtMs,
    volumes,
    isOnEach: isOnEach(mirror.desired("Service", name)?.spec, mirror.decided<DecidedService>("Service", name)?.value),
    roomSinceMs: roomSinceMs(name, nodes, mirror),
    ahead: servicesAhead(name, nodes, mirror),
    others: othersBefore(name, mirror),
  };
}

/**
 * Of all that has to leave its node at the same moment, what comes first by name: every node knows by it where that will go, and what goes
 * there one after the other goes where there is most room.
 */
function servicesAhead(name: Name, nodes: readonly NodeFacts[], mirror: Mirror): readonly Ahead[] {
  const left = new Set(
    nodes.filter(({ downSinceMs, leaving }) => downSinceMs !== undefined || leaving !== undefined).map((node) => node.name),
  );
  if (left.size === 0) return [];
  const there = [...mirror.index(byLoad)].flatMap(([key, services]) => (left.has(key.split(" ")[0] ?? "") ? [...services] : []));
  return [...new Set(there)]
    .filter((service) => service < name)
    .sort()
    .flatMap((service) => {
      const decided = readable(() => mirror.decided<DecidedService>("Service", service)?.value, undefined);
      const spec = decided?.revisions[decided.target]?.spec;
      if (decided === undefined || spec === undefined || spec.replicas === "all" || !isMovable(spec)) return [];
      const stay = decided.instances.filter(({ node }) => !left.has(node));
      const count = Math.min(decided.instances.length - stay.length, spec.replicas - stay.length);
      const prepared = preparedNodes(spec, mirror.observed<ObservedService>("Service", service));
      return count > 0 ? [{ wanted: { service, spec, volumes: {}, prepared }, count, here: countByNode(stay) }] : [];
    });
}

function roomSinceMs(name: Name, nodes: readonly NodeFacts[], mirror: Mirror): number | undefined {
  const decided = mirror.decided<DecidedService>("Service", name)?.value;
  if (decided === undefined || !waitsForRoom(name, decided, nodes)) return undefined;
  return [...mirror.allDecided("Service")].reduce((newest, [, { seenAtMs }]) => Math.max(newest, seenAtMs), 0);
}

/** Services that a change may concern. */
export function wokenBy(change: Change, mirror: Mirror): readonly Name[] {
  if (change.kind === "Service") return [change.name, ...successors(change.name, mirror), ...wokenByRoom(change, mirror)];
  const isAboutNodes = change.room === "node" || (change.kind === "Membership" && change.room !== "observed");
  return isAboutNodes ? [...mirror.all("Service")].map(({ metadata }) => metadata.name) : [];
}

/** Services that wait for room, where a decision gave some up on a node that may take them. */
function wokenByRoom(change: Change, mirror: Mirror): readonly Name[] {
  const was = change.room === "decided" ? (change.was as DecidedService | undefined) : undefined; // of a Service, by this very controller
  if (was === undefined) return [];
  const freed = freedNodes(loadKeys(was), loadKeys(mirror.decided<DecidedService>("Service", change.name)?.value));
  if (freed.size === 0) return [];
  const nodes = nodeFacts(mirror);
  if (!nodes.some((node) => freed.has(node.name) && isOpen(node))) return [];
  const known = new Map(nodes.map((node) => [node.name, node]));
  const relying = [...mirror.index(byRelied)].filter(([on]) => {
    const node = known.get(on);
    return node === undefined || isUnsound(node); // ANYWHERE, or one that was taken out
  });
  return [...new Set(relying.flatMap(([, names]) => [...names]))].filter((name) => {
    const decided = mirror.decided<DecidedService>("Service", name)?.value;
    return decided !== undefined && waitsForRoom(name, decided, nodes);
  });
}

/** By the Services that they come after. */
const byPredecessor: Index = { kind: "Service", room: "decided", keys: predecessors };

/** Services that come after this one. */
export function successors(name: Name, mirror: Mirror): readonly Name[] {
  return [...(mirror.index(byPredecessor).get(name) ?? [])];
}

function othersBefore(name: Name, mirror: Mirror): HouseFacts["others"] {
  const decided = mirror.decided<DecidedService>("Service", name)?.value;
  const wanted = mirror.desired("Service", name)?.spec.after ?? [];
  return chainOf([...wanted, ...predecessors(decided)], (other): OtherService => {
    const spec = readable(() => mirror.desired("Service", other)?.spec, UNREAD);
    return {
      replicas: spec?.replicas,
      after: spec?.after ?? [],
      decided: readable(() => mirror.decided<DecidedService>("Service", other)?.value, undefined),
      observed: mirror.observed<ObservedService>("Service", other),
    };
  });
}

/** There is one, and it comes after nobody. */
const UNREAD: Pick<ServiceSpec, "replicas" | "after"> = { replicas: 1 };

/** Of another Service, whose value may be no JSON: that holds up nobody else, and the mirror has said what is wrong. */
function readable<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}

function takenOut(name: Name, known: ReadonlySet<NodeName>, mirror: Mirror): ReadonlyMap<NodeName, number> {
  const placed = mirror.decided<DecidedService>("Service", name)?.value.instances.map(({ node }) => node) ?? [];
  return new Map(placed.filter((node) => !known.has(node)).map((node) => [node, mirror.recordGoneAtMs(node) ?? 0]));
}

/** What a node pulled for the Service and no Service needs any more: neither its current revision nor the one before. */
export function unusedImages(reported: ObservedService | undefined, mirror: Mirror): readonly string[] {
  const used = mirror.index(byImage);
  return (reported?.pulled ?? []).filter((image) => !used.has(image));
}

const GOING = { away: "stopping", "for good": "drained", nowhere: undefined } as const;

/** Every node with a Membership or a record, by name. */
function nodeFacts(mirror: Mirror): readonly NodeFacts[] {
  const loads = loadsOf(mirror.index(byLoad));
  const names = new Set<NodeName>(mirror.nodes().keys());
  for (const { metadata } of mirror.all("Membership")) names.add(metadata.name);
  return [...names].sort().map((name) => {
    const membership = mirror.desired("Membership", name);
    const verdict = mirror.decided<DecidedMembership>("Membership", name);
    const record = mirror.nodes().get(name);
    return {
      name,
      record,
      downSinceMs: verdict?.value.state === "Down" ? verdict.seenAtMs : undefined,
      verdict: verdict?.modRevision ?? 0,
      goneSinceMs: mirror.recordGoneAtMs(name),
      // A node makes its Membership before its record: one without is being removed, and its record is the last of it to go.
      schedulable: membership?.spec.schedulable ?? false,
      leaving: membership?.spec.drain === true ? "drained" : GOING[record?.value.goes ?? "nowhere"],
      isWitness: record?.value.witness === true,
      membership: Number(membership?.metadata.resourceVersion ?? 0),
      labels: membership?.metadata.labels ?? {},
      load: loads.get(name) ?? NO_LOAD,
    };
  });
}

const NO_LOAD: Load = { instances: 0, memoryBytes: 0, cpus: 0 };

function loadKeys(decided: DecidedService | undefined): readonly string[] {
  if (decided === undefined) return [];
  const counts = new Map<string, number>();
  return decided.instances.map(({ node, revision }) => {
    const spec = decided.revisions[revision]?.spec;
    const kind = spec === undefined ? `${node} 0 0` : `${node} ${reservedBytes(spec)} ${reservedCpus(spec)}`;
    const nth = counts.get(kind) ?? 0;
    counts.set(kind, nth + 1);
    return `${kind} ${nth}`;
  });
}

function loadsOf(index: ReadonlyMap<string, ReadonlySet<Name>>): ReadonlyMap<NodeName, Load> {
  const loads = new Map<NodeName, Load>();
  for (const [key, services] of index) {
    const [node = "", bytes, cpus] = key.split(" ");
    const before = loads.get(node) ?? NO_LOAD;
    loads.set(node, {
      instances: before.instances + services.size,
      memoryBytes: before.memoryBytes + services.size * Number(bytes),
      cpus: before.cpus + services.size * Number(cpus),
    });
  }
  return loads;
}
