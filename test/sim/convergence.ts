// What still differs between what people asked for and what there is: empty once the house has converged. In sentences, for a failure.
// Computers that are off count as dead: what can move must have moved.
import { LABEL } from "../../src/api/labels.ts";
import { canonicalJson } from "../../src/api/hash.ts";
import { keys, PREFIX } from "../../src/api/keys.ts";
import type { Kind, Name, NodeName, StoredResource } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { houseFacts } from "../../controllers/service/house-facts.ts";
import { jobKeys } from "../../controllers/service/job-keys.ts";
import { prepulledImages } from "../../controllers/service/prepull.ts";
import { cannotRunTwice } from "../../controllers/service/traits.ts";
import type { FakeContainer } from "../fakes/containers-life.ts";
import { isDown } from "./liveness.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

export function differences(world: World): readonly string[] {
  const services = stored(world, "Service");
  const running = byInstance(world);
  const open = openNodes(world);
  return [
    ...nodeProblems(world),
    ...services.flatMap((service) => serviceProblems(world, service, running)),
    ...drainProblems(world, services),
    ...services.flatMap((service) => unprepared(world, service, open)),
    ...leftOvers(world, services),
    ...strays(world),
  ];
}

/** Objects below `desired/`. */
export function stored<K extends Kind>(world: World, kind: K): readonly StoredResource<K>[] {
  return world.etcd.below(`${PREFIX.desired}${kind}/`).map(({ value }) => JSON.parse(value) as StoredResource<K>);
}

export function decidedService(world: World, name: Name): DecidedService | undefined {
  const value = world.etcd.get(keys.decided("Service", name))?.value;
  return value === undefined ? undefined : (JSON.parse(value) as DecidedService);
}

/** Computers that run. */
export function nodesOn(world: World): readonly SimNode[] {
  return [...world.nodes.values()].filter(({ power }) => power === "on");
}

/** Two more computers than run an app could go on with it without a registry, where there are so many. */
function unprepared(world: World, { metadata: { name }, spec }: StoredResource<"Service">, open: readonly SimNode[]): readonly string[] {
  const decided = decidedService(world, name);
  if (spec.replicas === "all" || spec.replicas === 0 || spec.failover === "never" || decided === undefined) return [];
  const runs = new Set(decided.instances.map(({ node }) => node));
  const others = open.filter((node) => !runs.has(node.name));
  const ready = others.filter(({ docker }) => spec.containers.every(({ image }) => docker.images.has(image)));
  const wanted = Math.min(2, others.length);
  if (ready.length < wanted) return [`${name} has its images on ${ready.length} further computers instead of ${wanted}`];
  return others.flatMap((node) => (stillPulls(node, { name, spec }) ? [`${node.name} has still to pull for ${name}`] : []));
}

/** Others may have its images by chance, while whoever should have them, or was to have them before, waits for its turn or tries again. */
function stillPulls({ name, agent, docker }: SimNode, service: { readonly name: Name; readonly spec: ServiceSpec }): boolean {
  if (agent === undefined) return false;
  if (service.spec.containers.some(({ image }) => agent.jobs.get(jobKeys.prepull(service.name, image))?.state === "running")) return true;
  const facts = houseFacts(service.name, agent.mirror, { desiredSeenAtMs: 0, volumes: {} });
  return prepulledImages(service.name, facts, name).some((image) => !docker.images.has(image));
}

/** Here every computer can run everything. */
function drainProblems(world: World, services: readonly StoredResource<"Service">[]): readonly string[] {
  const nodes = stored(world, "Membership");
  const open = openNodes(world);
  if (open.length === 0) return [];
  const drained = new Set(nodes.filter(({ spec }) => spec.drain === true).map(({ metadata }) => metadata.name));
  const going = new Set(nodesOn(world).flatMap(({ name, goes }) => (goes === undefined ? [] : [name])));
  return services
    .filter(({ spec }) => spec.replicas !== "all")
    .flatMap(({ metadata: { name }, spec }) =>
      (decidedService(world, name)?.instances ?? []).flatMap(({ id, node }) => {
        if (drained.has(node) && isOn(world, node)) return [`${name}-${id} is still on ${node}, which is drained`];
        return going.has(node) && spec.failover !== "never" ? [`${name}-${id} is still on ${node}, which goes`] : [];
      }),
    );
}

/** Computers that run, and on which something new may run. */
function openNodes(world: World): readonly SimNode[] {
  const policies = stored(world, "Membership").filter(({ spec: { schedulable, drain } }) => schedulable && drain !== true);
  const names = new Set(policies.map(({ metadata }) => metadata.name));
  return nodesOn(world).filter(({ name, goes }) => names.has(name) && goes === undefined);
}

function isOn(world: World, node: NodeName): boolean {
  return world.nodes.get(node)?.power === "on";
}

type Running = ReadonlyMap<string, readonly FakeContainer[]>;

/** By node and instance; houses are compared that have thousands. */
function byInstance({ nodes }: World): Running {
  const all = [...nodes.values()].flatMap(({ name, docker }) =>
    [...docker.containers.values()].map((container) => [name, container] as const),
  );
  const grouped = Map.groupBy(all, ([node, { spec }]) => `${node} ${spec.labels[LABEL.instance]}`);
  return new Map([...grouped].map(([key, pairs]) => [key, pairs.map(([, container]) => container)]));
}

function nodeProblems(world: World): readonly string[] {
  return nodesOn(world).flatMap((node) => {
    if (isDown(world, node)) return [`${node.name} is Down`];
    if (!world.etcd.get(keys.node(node.name))) return [`${node.name} is not announced`];
    return node.agent?.mirror.fresh === true ? [] : [`${node.name} is stale`];
  });
}

function serviceProblems(world: World, { metadata: { name, uid }, spec }: StoredResource<"Service">, running: Running): readonly string[] {
  const decided = decidedService(world, name);
  if (decided === undefined) return [`${name} is not decided`];
  if (decided.uid !== uid) return [`${name} is decided for an object that is gone`];
  if (canonicalJson(decided.revisions[decided.target]?.spec) !== canonicalJson(spec)) {
    return [`${name} aims at another spec${decided.failed ? ` (${decided.failed.reason}: ${decided.failed.message})` : ""}`];
  }
  const on = new Set(nodesOn(world).map((node) => node.name));
  const instances = decided.instances.filter(({ node }) => on.has(node));
  // Of few voters none may decide for the others, and what must not run twice stays.
  const stays = spec.failover === "never" || (cannotRunTwice(spec) && spec.replicas !== "all" && world.voters === 1);
  const wanted = wantedCount(world, spec) - (stays ? decided.instances.length - instances.length : 0);
  const count = instances.length === wanted ? [] : [`${name} has ${instances.length} instances instead of ${wanted}`];
  const doubled =
    spec.replicas === "all" && new Set(instances.map(({ node }) => node)).size < instances.length ? [`${name} is twice on one node`] : [];
  const containers = spec.containers.map((container) => container.name);
  return [...count, ...doubled, ...instances.flatMap((instance) => instanceProblems(running, { name, instance, decided, containers }))];
}

function wantedCount(world: World, { replicas, failover }: ServiceSpec): number {
  if (replicas !== "all") return replicas;
  return failover === "never" ? world.nodes.size : nodesOn(world).length;
}

interface Placed {
  readonly name: Name;
  readonly instance: DecidedInstance;
  readonly decided: DecidedService;
  readonly containers: readonly string[];
}

function instanceProblems(running: Running, { name, instance, decided, containers }: Placed): readonly string[] {
  const who = `${name}-${instance.id} on ${instance.node}`;
  if (instance.to !== undefined) return [`${who} is still to move to ${instance.to}`];
  if (instance.revision !== decided.target) return [`${who} is of an old revision`];
  const there = running.get(`${instance.node} ${instance.id}`) ?? [];
  return containers.flatMap((container) => {
    const found = there.find(({ spec }) => spec.labels[LABEL.container] === container);
    if (found === undefined) return [`${who} has no container ${container}`];
    return found.serving ? [] : [`${who} does not serve: ${container} is ${found.state}`];
  });
}

/** What deleted Services must not leave behind in the store. */
function leftOvers(world: World, services: readonly StoredResource<"Service">[]): readonly string[] {
  const names = new Set(services.map(({ metadata }) => metadata.name));
  const rooms = [`${PREFIX.decided}Service/`, `${PREFIX.observed}Service/`];
  return rooms.flatMap((room) =>
    world.etcd
      .below(room)
      .filter(({ key }) => !names.has(key.slice(room.length).split("/")[0] ?? ""))
      .map(({ key }) => `${key} is left over`),
  );
}

/** What nodes still hold for instances that they need not run. */
function strays(world: World): readonly string[] {
  return nodesOn(world).flatMap(({ name: node, docker, addresses }) => {
    const isDecided = (labels: Readonly<Record<string, string>>): boolean => {
      const decided = decidedService(world, labels[LABEL.name] ?? "");
      return decided?.instances.some((instance) => instance.id === labels[LABEL.instance] && instance.node === node) === true;
    };
    const containers = [...docker.containers.values()].map(({ spec }) => spec);
    const running = containers.filter(({ labels }) => !isDecided(labels)).map(({ name }) => `${name} is on ${node} for nobody`);
    const networks = [...docker.networks.values()].filter(({ labels }) => LABEL.instance in labels && !isDecided(labels));
    const names = new Set(containers.map(({ name }) => name));
    const held = [...addresses.taken.keys()].filter((key) => !names.has(key));
    return [
      ...running,
      ...networks.map(({ name }) => `network ${name} is on ${node} for nobody`),
      ...held.map((key) => `${node} holds an address for ${key}`),
    ];
  });
}
