// Brings this node's containers to what was decided for it, and says how they stand. Looks at nothing but `decided`: what people wish
// for meanwhile is another matter, and may be unknown.
import { durationMs } from "../../src/api/durations.ts";
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService, ObservedInstance } from "../../src/api/state.ts";
import type { Container, ServiceSpec } from "../../src/api/types.ts";
import type { Context } from "../../src/engine/contract.ts";
import type { LocalAction } from "./actions.ts";
import { earliest } from "./earliest.ts";
import { doneBefore, effortFor, removal, retryAtMs, type Effort, type Surroundings } from "./effort.ts";
import type { HeardContainer, LocalContainer, LocalFacts, ServiceFacts } from "./facts.ts";
import { addressOf } from "./health.ts";
import { jobKeys } from "./job-keys.ts";
import { lastWord, silence } from "./last-word.ts";
import { hasOrder, orderOf } from "./order.ts";
import { publishedOf } from "./published.ts";
import { promiseOf, type FencePromise } from "./promise.ts";
import { cannotRunTwice, startOrder, STOP_GRACE_DEFAULT_MS, updateOrder } from "./traits.ts";

/** So long every proxy has to forget an instance before it is stopped. */
export const DRAIN_MS = 2_000;
/** And so long it may go on answering whoever asked it before, through whatever node. */
export const DRAIN_MAX_MS = 10_000;
const BUSY_RECHECK_MS = 250;
const DOCKER_RETRY_MS = 2_000;

export interface CarriedOut {
  readonly actions: readonly LocalAction[];
  readonly instances: readonly Standing[];
  readonly recheckAfterMs: number | undefined;
}

/** An instance on this node as it is to be reported. */
export interface Standing {
  readonly observed: ObservedInstance;
  /** On its way and nothing to tell: a report would be one more write before it is ready. */
  readonly quiet: boolean;
}

export function carryOut({ name, house, local }: ServiceFacts, { node, now, copy }: Context): CarriedOut {
  const decided = house.decided?.value;
  const mine = (decided?.instances ?? []).filter((instance) => instance.node === node);
  const record = house.nodes.find((each) => each.name === node)?.record?.value;
  const nodeAddress = record?.addresses.lan[0] ?? record?.addresses.tailnet[0] ?? "127.0.0.1";
  const devices = record?.devices ?? [];
  if (local.containers === undefined) {
    const instances = mine.map((instance): Standing => {
      const spec = decided?.revisions[instance.revision]?.spec;
      const containers = local.lastHeard.filter((each) => each.instance === instance.id);
      const isHeard = (container: Container): boolean =>
        containers.some((each) => each.container === container.name) || doneBefore(container, { local, instance }) !== undefined;
      const isKnown = spec?.containers.every(isHeard) === true;
      if (!isKnown) return unknown(instance, node, local);
      return lastHeard(
        { service: name, spec, instance, local, containers, devices, blocked: undefined, crowded: undefined, order: {}, now },
        node,
        nodeAddress,
      );
    });
    return { actions: [], instances, recheckAfterMs: DOCKER_RETRY_MS };
  }
  const leaving = leavingContainers(local, mine);
  const bring = mine.flatMap((instance) => {
    const spec = decided?.revisions[instance.revision]?.spec;
    if (spec === undefined) return [];
    const containers = (local.containers ?? []).filter((each) => each.instance === instance.id);
    const promise = promiseOf(spec, instance.id, local);
    const blocked = blockedBy(spec, instance, { local, promise, isAlone: house.nodes.length <= 1 });
    const crowded = updateOrder(spec) === "stop-first" && leaving.length > 0 ? "waits until the previous instance has stopped" : undefined;
    const order = orderOf({ service: name, instance: instance.id, spec, house, local, node, now });
    const around = { service: name, spec, instance, local, containers, devices, blocked, crowded, order, now };
    return [bringUp(around, promise, nodeAddress)];
  });
  const gone = takeDown({
    service: name,
    decided,
    mine,
    leaving,
    fetching: bring.some(({ fetching, standing }) => fetching && standing.observed.revision === decided?.target),
    house,
    local,
    now,
    copy,
  });
  return {
    actions: [...bring.flatMap(({ actions }) => actions), ...gone.actions],
    instances: bring.map(({ standing }) => standing),
    recheckAfterMs: earliest([...bring.map((each) => each.recheckAfterMs), gone.recheckAfterMs]),
  };
}

/** Docker is away, and has not spoken of it before. */
function unknown({ id, revision }: DecidedInstance, node: NodeName, local: LocalFacts): Standing {
  const conditions = [silence(node, local.dockerProblem, false)];
  const told = toldOf(id, local);
  return { observed: { id, revision, addresses: {}, containers: [], ...told, ready: false, conditions }, quiet: false };
}

/** Docker is away, and what it said last stands, as far as nobody knows better. A promise is neither given nor taken back. */
function lastHeard(
  around: Omit<Surroundings, "containers"> & { readonly containers: readonly HeardContainer[] },
  node: NodeName,
  nodeAddress: string,
): Standing {
  const { spec, instance, local, containers } = around;
  const efforts = spec.containers.flatMap((container) => {
    const heard = containers.find((each) => each.container === container.name);
    return heard === undefined ? (doneBefore(container, around) ?? []) : [lastWord(container, heard, around)];
  });
  const observed = observedBy(efforts, around, nodeAddress);
  const conditions = [...observed.conditions, silence(node, local.dockerProblem, observed.ready)];
  const isPromised = toldOf(instance.id, local)?.fenced === true;
  return { observed: { ...observed, ...(isPromised && { fenced: true }), conditions }, quiet: false };
}

function toldOf(instance: string, { reported }: LocalFacts): ObservedInstance | undefined {
  return reported?.value.instances.find(({ id }) => id === instance);
}

interface Brought {
  readonly standing: Standing;
  readonly actions: readonly LocalAction[];
  /** Under stop-first: images are on their way, or cannot be had, or other Services come first, and what still serves should not make room yet. */
  readonly fetching: boolean;
  readonly recheckAfterMs: number | undefined;
}

function bringUp(around: Surroundings, promise: FencePromise, nodeAddress: string): Brought {
  const { service, spec, instance, containers } = around;
  const up = new Set<string>();
  const efforts: Effort[] = [];
  for (const container of startOrder(spec.containers)) {
    const effort = effortFor(container, around, up);
    if (effort.up) up.add(container.name);
    efforts.push(effort);
  }
  const isNext = isNextOf(efforts);
  const isCounted = around.local.jobs[jobKeys.order(service, instance.id)] !== undefined;
  const policies = changedPolicies(spec, containers, promise);
  const observed: ObservedInstance = {
    ...observedBy(efforts, around, nodeAddress),
    // Docker must not start again what is to stay ended.
    ...(promise.isWanted && (promise.isGiven || policies.length === 0) && { fenced: true }),
  };
  return {
    standing: { observed, quiet: !observed.ready && observed.conditions.length === 0 && !efforts.some(({ slow }) => slow) },
    actions: [
      ...policies.map(({ id, name, policy }): LocalAction => ({ kind: "SetRestartPolicy", name, id, service, policy })),
      ...(isNext && !isCounted ? [{ kind: "BeginWait" as const, service, instance: instance.id }] : []),
      ...efforts.flatMap(({ action }) => (action ? [action] : [])),
    ],
    fetching:
      updateOrder(spec) === "stop-first" &&
      (isNext || efforts.some((effort) => effort.observed.id === undefined && around.local.images[imageOf(effort, spec)] === undefined)),
    recheckAfterMs: earliest(efforts.map((effort) => effort.recheckAfterMs)),
  };
}

function observedBy(efforts: readonly Effort[], around: Surroundings, nodeAddress: string): ObservedInstance {
  const { spec, instance, containers, order } = around;
  const addresses = spec.containers.flatMap((container) => {
    const address = addressOf(container, containers, nodeAddress);
    return address === undefined ? [] : [[container.name, address] as const];
  });
  const published = spec.containers.flatMap((container) => {
    const ports = publishedOf(container, containers);
    return ports === undefined ? [] : [[container.name, ports] as const];
  });
  return {
    id: instance.id,
    revision: instance.revision,
    ready: efforts.every((effort) => effort.up),
    addresses: Object.fromEntries(addresses),
    ...(published.length > 0 && { published: Object.fromEntries(published) }),
    containers: efforts.map((effort) => withDigest(effort, around)),
    conditions: [...efforts.flatMap((effort) => effort.conditions), ...(order.waits && isNextOf(efforts) ? [order.waits] : [])],
  };
}

/** It could start but for other Services. */
function isNextOf(efforts: readonly Effort[]): boolean {
  return efforts.some((effort) => effort.isNext);
}

function imageOf({ observed }: Effort, spec: ServiceSpec): string {
  return spec.containers.find(({ name }) => name === observed.name)?.image ?? "";
}

function withDigest(effort: Effort, { spec, local, instance }: Surroundings): ObservedInstance["containers"][number] {
  const { observed } = effort;
  const image = local.images[imageOf(effort, spec)];
  const told = toldOf(instance.id, local)?.containers.find(({ name }) => name === observed.name);
  const digest = image?.id === observed.imageId ? image?.digests[0] : told?.imageId === observed.imageId ? told?.digest : undefined;
  return digest === undefined ? observed : { ...observed, digest };
}

/** While a promise is wanted or given, or other Services come first, Docker starts none of its containers by itself. */
function changedPolicies(
  spec: ServiceSpec,
  containers: readonly LocalContainer[],
  { isWanted, isGiven }: FencePromise,
): readonly { readonly id: string; readonly name: string; readonly policy: "on-failure" | "no" }[] {
  return containers.flatMap(({ id, name, container, state, restartPolicy }) => {
    const policy = isWanted || isGiven || hasOrder(spec) ? "no" : spec.containers.find((each) => each.name === container)?.restart;
    const isKnown = restartPolicy === "no" || restartPolicy === "on-failure";
    return policy === undefined || policy === restartPolicy || !isKnown || state === "removing" ? [] : [{ id, name, policy }];
  });
}

interface Room {
  readonly local: LocalFacts;
  readonly promise: FencePromise;
  readonly isAlone: boolean;
}

/** What must not run twice waits until the others can know that it is here. */
function blockedBy(spec: ServiceSpec, instance: DecidedInstance, { local, promise, isAlone }: Room): string | undefined {
  if ((promise.isWanted || promise.isGiven) && !local.inContact)
    return "waits until the house knows that this computer is here: another one may run it";
  const told = local.reported?.value;
  const isTold =
    told?.bootId === local.bootId &&
    local.heardOf.has(instance.id) &&
    told.instances.some(({ id, fenced }) => id === instance.id && (!promise.isWanted || fenced === true));
  return cannotRunTwice(spec) && !isAlone && !isTold ? "waits until the other nodes know" : undefined;
}

function leavingContainers(local: LocalFacts, mine: readonly DecidedInstance[]): readonly LocalContainer[] {
  const ids = new Set(mine.map(({ id }) => id));
  return (local.containers ?? []).filter(({ instance }) => !ids.has(instance));
}

interface Leftovers {
  readonly service: Name;
  readonly decided: DecidedService | undefined;
  readonly mine: readonly DecidedInstance[];
  readonly leaving: readonly LocalContainer[];
  readonly fetching: boolean;
  readonly house: ServiceFacts["house"];
  readonly local: LocalFacts;
  readonly now: number;
  readonly copy: Context["copy"];
}

/** Stops and removes what is not decided: of each instance those first that need the others. */
function takeDown(leftovers: Leftovers): { readonly actions: readonly LocalAction[]; readonly recheckAfterMs: number | undefined } {
  const { service, decided, leaving, fetching, local, now, copy } = leftovers;
  // What is missing in an older copy may have been decided since.
  if (copy?.isFromDisk === true) return { actions: [], recheckAfterMs: undefined };
  const waitMs = drainMs(leftovers);
  const isHeld = fetching && leaving.some(({ state }) => state === "running");
  if (leaving.length === 0)
    return {
      actions: [...unusedNetworks(leftovers), ...local.strayAddresses.map((key): LocalAction => ({ kind: "ReleaseAddress", key }))],
      recheckAfterMs: undefined,
    };
  if (isHeld || waitMs > 0) return { actions: [], recheckAfterMs: waitMs > 0 ? waitMs : undefined };
  const specs = Object.values(decided?.revisions ?? {}).map(({ spec }) => spec);
  const waits: number[] = [];
  const actions = [...new Set(leaving.map(({ instance }) => instance))].flatMap((id) => {
    const last = lastToStart(
      leaving.filter(({ instance }) => instance === id),
      specs,
    );
    const job = last && local.jobs[jobKeys.remove(last.name)];
    if (last === undefined || job?.state === "running") return [];
    const retryInMs = job?.state === "failed" ? retryAtMs(job) - now : 0;
    if (retryInMs > 0) waits.push(retryInMs);
    return retryInMs > 0 ? [] : [removal(last, service, graceMs(last, specs))];
  });
  return { actions, recheckAfterMs: earliest(waits) };
}

/**
 * While another instance serves, one that was taken away is let out quietly: every way to it, also those of other nodes, leads through
 * this node's own ingress, which knows when the last one who asked has been answered.
 */
function drainMs({ decided, house, leaving, local, now }: Leftovers): number {
  const target = decided?.revisions[decided.target]?.spec;
  const isServed = target !== undefined && updateOrder(target) === "start-first" && (decided?.instances.length ?? 0) > 0;
  if (!isServed || house.decided === undefined || !leaving.some(({ state }) => state === "running")) return 0;
  const forMs = now - house.decided.seenAtMs;
  if (forMs < DRAIN_MS) return DRAIN_MS - forMs;
  const isBusy = leaving.some(({ instance }) => local.busy.includes(instance));
  return isBusy && forMs < DRAIN_MAX_MS ? Math.min(BUSY_RECHECK_MS, DRAIN_MAX_MS - forMs) : 0;
}

function lastToStart(containers: readonly LocalContainer[], specs: readonly ServiceSpec[]): LocalContainer | undefined {
  const names = new Set(containers.map(({ container }) => container));
  const spec = specs.find((each) => [...names].every((name) => each.containers.some((container) => container.name === name)));
  const order = startOrder(spec?.containers ?? []).map(({ name }) => name);
  return [...containers].sort((a, b) => order.indexOf(b.container) - order.indexOf(a.container))[0];
}

/** The longest that any known revision grants: `stopGrace` may be changed while the container runs. */
function graceMs({ container, stopGraceMs = STOP_GRACE_DEFAULT_MS }: LocalContainer, specs: readonly ServiceSpec[]): number {
  const graces = specs.flatMap((spec) =>
    spec.containers.filter(({ name }) => name === container).map(({ stopGrace }) => durationMs(stopGrace)),
  );
  return graces.length === 0 ? stopGraceMs : Math.max(...graces);
}

/** Private networks of instances that are no longer here. */
function unusedNetworks({ service, mine, local, now }: Leftovers): readonly LocalAction[] {
  const used = new Set([...mine.map(({ id }) => id), ...(local.containers ?? []).map(({ instance }) => instance)]);
  return local.networks.flatMap((network): readonly LocalAction[] => {
    const job = local.jobs[jobKeys.network(network.name)];
    if (used.has(network.instance) || job?.state === "running" || (job?.state === "failed" && retryAtMs(job) > now)) return [];
    return [{ kind: "RemoveNetwork", name: network.name, service }];
  });
}
