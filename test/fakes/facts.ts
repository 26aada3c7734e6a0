// What the plan of a Service looks at, in its shortest form, for tests of the plan and of its parts.
import { labelsOf } from "../../controllers/service/container-spec.ts";
import type { HouseFacts, LocalContainer, LocalFacts, NodeFacts } from "../../controllers/service/facts.ts";
import { revisionHash } from "../../controllers/service/spec-hash.ts";
import { containerName, LABEL } from "../../src/api/labels.ts";
import { API_VERSION, type Name, type NodeName, type Resource } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService, NodeRecord, ObservedInstance, ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { Seen } from "../../src/engine/contract.ts";
import { nodeRecord } from "./objects.ts";

export function seen<T>(value: T, seenAtMs = 0, modRevision = 1): Seen<T> {
  return { value, modRevision, seenAtMs };
}

export function service(name: Name, spec: ServiceSpec, generation = 1): Resource<"Service"> {
  const metadata = { name, uid: `uid-${name}`, generation, resourceVersion: String(generation), creationTimestamp: "2026-01-01T00:00:00Z" };
  return { apiVersion: API_VERSION, kind: "Service", metadata, spec };
}

/** A node that is alive and empty. */
export function nodeFacts(name: NodeName, over: Partial<NodeFacts> = {}, record: Partial<NodeRecord> = {}): NodeFacts {
  return {
    name,
    record: seen({ ...nodeRecord(name, `boot-${name}`), ...record }),
    downSinceMs: undefined,
    verdict: 0,
    goneSinceMs: undefined,
    schedulable: true,
    leaving: undefined,
    isWitness: false,
    membership: 1,
    labels: {},
    load: { instances: 0, memoryBytes: 0, cpus: 0 },
    ...over,
  };
}

export function houseFacts(over: Partial<HouseFacts> = {}): HouseFacts {
  return {
    revision: 0,
    nodes: [nodeFacts("nas")],
    decided: undefined,
    observed: new Map(),
    told: new Map(),
    takenOut: new Map(),
    desiredSeenAtMs: 0,
    volumes: {},
    isOnEach: false,
    roomSinceMs: undefined,
    ahead: [],
    others: new Map(),
    ...over,
  };
}

export function localFacts(over: Partial<LocalFacts> = {}): LocalFacts {
  return {
    bootId: "boot-nas",
    voters: 1,
    inContact: true,
    containers: [],
    lastHeard: [],
    dockerProblem: undefined,
    images: {},
    jobs: {},
    probes: {},
    missingPaths: [],
    missingSecrets: [],
    networks: [],
    strayAddresses: [],
    busy: [],
    hasRoom: true,
    pulled: [],
    unused: [],
    reported: undefined,
    announced: { revision: 0, atMs: 0 },
    heardOf: new Set(over.reported?.value.instances.map(({ id }) => id)),
    ...over,
  };
}

export function instance(id: string, node: NodeName, spec: ServiceSpec, generation = 1): DecidedInstance {
  return { id, node, revision: revisionHash(spec), generation, why: "" };
}

/** Decided and good, with these instances. */
export function decided(
  name: Name,
  spec: ServiceSpec,
  instances: readonly DecidedInstance[],
  over: Partial<DecidedService> = {},
): DecidedService {
  const target = revisionHash(spec);
  return {
    uid: `uid-${name}`,
    serial: instances.length,
    target,
    good: target,
    revisions: { [target]: { generation: 1, spec } },
    instances,
    ...over,
  };
}

export function observedInstance(id: string, over: Partial<ObservedInstance> = {}): ObservedInstance {
  return { id, revision: "", ready: true, addresses: {}, containers: [], conditions: [], ...over };
}

export function observed(node: NodeName, instances: readonly ObservedInstance[], seenAtMs = 0): readonly [NodeName, Seen<ObservedService>] {
  return [node, seen({ bootId: `boot-${node}`, instances }, seenAtMs)];
}

/** A container of the spec as Docker shows it while it runs well. */
export function docker(name: Name, id: string, spec: ServiceSpec, over: Partial<LocalContainer> = {}): LocalContainer {
  const container = spec.containers.find((each) => each.name === (over.container ?? each.name)) ?? spec.containers[0];
  if (container === undefined) throw new Error("a Service has a container");
  return {
    id: `docker-${id}-${container.name}`,
    name: containerName(name, id, container.name),
    service: name,
    instance: id,
    container: container.name,
    specHash: labelsOf({ service: name, instance: id, spec, container })[LABEL.specHash] ?? "",
    state: "running",
    health: "none",
    exitCode: 0,
    outOfMemory: false,
    restarts: 0,
    imageId: "sha256:1",
    restartPolicy: container.restart,
    address: "10.201.0.2",
    published: {},
    startedMs: 1_000,
    ranMs: 60_000,
    endedAgoMs: 0,
    quickEnds: 0,
    ...over,
  };
}
