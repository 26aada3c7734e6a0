// A Service's status as people read it: computed from what was decided and what the nodes observed, whenever it is asked for.
import { newestTransition } from "../../src/api/conditions.ts";
import type { Condition, Resource } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService, ObservedContainer, ObservedInstance } from "../../src/api/state.ts";
import type { InstanceStatus, PlacementReason, ServiceStatus } from "../../src/api/status.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { httpUrl } from "../../src/api/urls.ts";
import type { Mirror } from "../../src/engine/contract.ts";
import { decide } from "./decide.ts";
import type { HouseFacts } from "./facts.ts";
import { ZONE_DEFAULT } from "./fill-values.ts";
import { houseFacts } from "./house-facts.ts";
import { isLastWord } from "./last-word.ts";
import { orderProblem } from "./order.ts";
import { fitnessOf, schedulingProblem } from "./scheduling.ts";
import { revisionHash } from "./spec-hash.ts";
import { unheldCondition } from "./unheld.ts";
import { observedInstance } from "./verdict.ts";
import { whyLost } from "./why-lost.ts";

export function serviceStatus(service: Resource<"Service">, mirror: Mirror): ServiceStatus {
  const { name } = service.metadata;
  const house = houseFacts(name, mirror, { desiredSeenAtMs: 0, volumes: {} });
  const zone = mirror.desired("House", "house")?.spec.zone ?? ZONE_DEFAULT;
  const decided = house.decided?.value;
  const instances = instancesOf(name, decided, house);
  const placement = placementOf(name, decided, house);
  const replicas = replicasOf(service.spec, placement);
  const readyReplicas = instances.filter(({ ready }) => ready).length;
  const host = hostOf(service);
  const rollout = rolloutOf(decided);
  return {
    ready: `${readyReplicas}/${replicas}`,
    replicas,
    readyReplicas,
    nodes: [...new Set((decided?.instances ?? []).map(({ node }) => node))].sort(),
    ...(host !== undefined && { url: httpUrl(host, zone, httpPorts(house)) }),
    instances,
    placement,
    ...(rollout && { rollout }),
    conditions: conditionsOf(service, { house, instances, replicas }),
  };
}

function hostOf({ metadata, spec }: Resource<"Service">): string | undefined {
  if (spec.routes !== undefined) return spec.routes[0]?.host;
  return spec.port === undefined ? undefined : metadata.name;
}

function httpPorts({ nodes }: HouseFacts): readonly number[] {
  return nodes.map(({ record }) => record?.value.ports.http).filter((port) => port !== undefined);
}

function replicasOf({ replicas }: ServiceSpec, placement: readonly PlacementReason[]): number {
  return replicas === "all" ? placement.filter(({ fits, chosen }) => fits || chosen).length : replicas;
}

function placementOf(name: string, decided: DecidedService | undefined, house: HouseFacts): readonly PlacementReason[] {
  return fitnessOf(name, decided, house).map(({ node, fits, reason }) => {
    const here = decided?.instances.find((instance) => instance.node === node);
    // What it was chosen for may be so no more: it stays, but nothing new would come.
    const since = here === undefined || fits ? "" : `; nothing more now: ${reason}`;
    return { node, fits, chosen: here !== undefined, reason: here === undefined ? reason : `${here.why}${since}` };
  });
}

function instancesOf(service: string, decided: DecidedService | undefined, house: HouseFacts): readonly InstanceStatus[] {
  const current = (decided?.instances ?? []).map((instance) => instanceStatus(service, instance, decided, house));
  const ids = new Set(current.map(({ id }) => id));
  const leaving = [...house.observed].flatMap(([node, { value }]) =>
    value.instances
      .filter(({ id }) => !ids.has(id))
      .map((found): InstanceStatus => ({
        ...identity(service, { ...found, node }, decided),
        ready: false,
        reason: "Stopping",
        message: "It is being stopped",
        containers: found.containers.map((container) => containerStatus(container, found, undefined)),
      })),
  );
  return [...current, ...leaving].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function instanceStatus(
  service: string,
  instance: DecidedInstance,
  decided: DecidedService | undefined,
  house: HouseFacts,
): InstanceStatus {
  const found = observedInstance(instance, house.observed);
  const lost = whyLost(service, instance, decided, house);
  const condition = found?.conditions[0];
  const spec = decided?.revisions[instance.revision]?.spec;
  return {
    ...identity(service, instance, decided),
    ready: found?.ready ?? false,
    reason: lost !== undefined ? "NodeLost" : found?.ready ? "Running" : (condition?.reason ?? phaseReason(found)),
    message: lost ?? condition?.message ?? "",
    containers: (found?.containers ?? []).map((container) => containerStatus(container, found, spec)),
  };
}

function identity(
  service: string,
  { id, node, revision }: Pick<DecidedInstance, "id" | "node" | "revision">,
  decided: DecidedService | undefined,
): Pick<InstanceStatus, "name" | "id" | "node" | "revision" | "generation"> {
  return { name: `${service}-${id}`, id, node, revision, generation: decided?.revisions[revision]?.generation ?? 0 };
}

function phaseReason(found: ObservedInstance | undefined): string {
  return found?.containers.some(({ phase }) => phase === "pulling") ? "Pulling" : "Starting";
}

function containerStatus(
  container: ObservedContainer,
  instance: ObservedInstance | undefined,
  spec: ServiceSpec | undefined,
): InstanceStatus["containers"][number] {
  const { name, id, phase, health, restarts, startedAt } = container;
  const address = instance?.addresses[name];
  return {
    name,
    ...(id !== undefined && { id }),
    image: spec?.containers.find((each) => each.name === name)?.image ?? container.digest ?? "",
    state: phase,
    health,
    restarts,
    ...(address !== undefined && { address }),
    ...(startedAt !== undefined && { startedAt }),
  };
}

function rolloutOf(decided: DecidedService | undefined): ServiceStatus["rollout"] {
  if (decided === undefined || decided.good === decided.target) return undefined;
  const updated = decided.instances.filter(({ revision }) => revision === decided.target).length;
  return { target: decided.target, updated, message: `${updated} of ${decided.instances.length} instances run the new revision` };
}

interface Reading {
  readonly house: HouseFacts;
  readonly instances: readonly InstanceStatus[];
  readonly replicas: number;
}

/** `Ready` first; the others only when they say more. */
function conditionsOf(service: Resource<"Service">, reading: Reading): readonly Condition[] {
  const { house } = reading;
  const decided = house.decided?.value;
  const { name, generation } = service.metadata;
  const unplaced = schedulingProblem(name, decide(name, service, house, 0), house);
  const paused = pausedCondition(service, decided);
  const update = paused ? [paused] : updateConditions(decided, reading);
  const silent = silenceCondition(decided, house);
  const order = orderProblem(name, service.spec, house.others);
  const unheld = unheldCondition((decided?.instances ?? []).flatMap((instance) => observedInstance(instance, house.observed) ?? []));
  const conditions = [
    readyCondition(service, reading, unplaced),
    ...(unplaced ? [unplaced] : []),
    ...update,
    ...(order ? [order] : []),
    ...(silent ? [silent] : []),
    ...(unheld ? [unheld] : []),
  ];
  const observed = paused ? generation : (decided?.failed?.generation ?? decided?.revisions[decided.target]?.generation);
  return conditions.map((condition) => ({
    ...condition,
    observedGeneration: observed ?? generation,
  }));
}

function readyCondition(service: Resource<"Service">, { house, instances, replicas }: Reading, unplaced: Condition | undefined): Condition {
  const decided = house.decided?.value;
  const told = (decided?.instances ?? []).flatMap((instance) => observedInstance(instance, house.observed)?.conditions ?? []);
  const since = newestTransition(told);
  const time = since === undefined ? {} : { lastTransitionTime: since };
  const ready = instances.filter((instance) => instance.ready).length;
  if (replicas === 0) return { type: "Ready", status: "False", reason: "Stopped", message: "No instance is wanted", ...time };
  if (ready >= replicas)
    return { type: "Ready", status: "True", reason: "Ready", message: `${ready} of ${replicas} instances are ready`, ...time };
  const worst = told[0] ?? unplaced;
  if (worst) return { ...worst, type: "Ready", status: "False" };
  const first = instances.find((instance) => !instance.ready && instance.reason !== "Stopping");
  if (first)
    return {
      type: "Ready",
      status: "False",
      reason: first.reason,
      message: first.message || `${first.name} is starting on ${first.node}`,
      ...time,
    };
  return { type: "Ready", status: "False", reason: "Pending", message: `Nothing is decided for ${service.metadata.name} yet`, ...time };
}

/** What nodes say whose engine does not answer: with their last word an app may be as ready as before. */
function silenceCondition(decided: DecidedService | undefined, house: HouseFacts): Condition | undefined {
  const silent = (decided?.instances ?? []).filter((instance) => {
    const found = observedInstance(instance, house.observed);
    return found !== undefined && isLastWord(found);
  });
  const nodes = [...new Set(silent.map(({ node }) => node))].sort();
  if (nodes.length === 0) return undefined;
  const where = nodes.length === 1 ? "that machine" : "those machines";
  const message =
    `Docker does not answer on ${nodes.join(" and ")}: what runs there goes on, and nothing is started or changed. ` +
    `Look on ${where}: systemctl status docker`;
  return { type: "DockerReady", status: "False", reason: "DockerUnavailable", message };
}

/** Something is to be brought out, and a person said not now. */
function pausedCondition({ metadata, spec }: Resource<"Service">, decided: DecidedService | undefined): Condition | undefined {
  const { instances = [] } = decided ?? {};
  const updated = instances.filter(({ revision }) => revision === revisionHash(spec)).length;
  if (spec.update.paused !== true || updated === instances.length) return undefined;
  const message = `The update is paused: ${updated} of ${instances.length} instances run what was applied last. To go on: fossora rollout resume svc/${metadata.name}`;
  return { type: "Reconciling", status: "True", reason: "Paused", message };
}

function updateConditions(decided: DecidedService | undefined, { instances }: Reading): readonly Condition[] {
  const failed = decided?.failed;
  if (decided === undefined) return [];
  if (failed !== undefined) {
    const done = failed.revision === decided.target ? "The update stopped" : "The update was rolled back";
    return [
      {
        type: "Stalled",
        status: "True",
        reason: "UpdateFailed",
        message: `${done}: generation ${failed.generation} failed with ${failed.reason}: ${failed.message}`,
      },
    ];
  }
  const isFirst = decided.good === undefined && decided.instances.every(({ revision }) => revision === decided.target);
  const isUpdating = !isFirst && decided.good !== decided.target;
  const failing = instances.find(({ revision, ready }) => revision === decided.target && !ready);
  const message = failing ? `${failing.name}: ${failing.reason}. The previous instances serve meanwhile` : "An update is under way";
  return isUpdating ? [{ type: "Reconciling", status: "True", reason: "Updating", message }] : [];
}
