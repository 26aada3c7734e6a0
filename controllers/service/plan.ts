// The plan of a Service on one node: carry out what was decided for this node, tell how it stands, and decide what is to be decided.
import { keys } from "../../src/api/keys.ts";
import type { Condition, Name, NodeName, Resource } from "../../src/api/resource.ts";
import type { Context, Plan } from "../../src/engine/contract.ts";
import type { Decide, LocalAction, ServiceAction } from "./actions.ts";
import { carryOut } from "./carry-out.ts";
import { decide, type Decision } from "./decide.ts";
import { earliest } from "./earliest.ts";
import { retryAtMs } from "./effort.ts";
import type { HouseFacts, LocalFacts, ServiceFacts } from "./facts.ts";
import { jobKeys } from "./job-keys.ts";
import { isOnEach, nodesCountedOut } from "./lost.ts";
import { prepull } from "./prepull.ts";
import { reportOf } from "./report.ts";
import { roomTaken } from "./room.ts";
import { schedulingProblem } from "./scheduling.ts";

/** So much later each further node decides what the nodes before it left undone. */
export const RANK_DELAY_MS = 2_000;

/** While another node is to place something: as others are placed it may become this one's, and each of them would wait for the other. */
export const LOOK_AGAIN_MS = 500;

export function plan(desired: Resource<"Service"> | undefined, looked: ServiceFacts, context: Context): Plan<ServiceAction> {
  const { node, now, copy } = context;
  const { name, local } = looked;
  // The wish may have changed while this node's Docker was asked.
  const house = { ...looked.house, isOnEach: isOnEach(desired?.spec, looked.house.decided?.value) };
  const facts = { ...looked, house };
  const carried = carryOut(facts, context);
  const report = reportOf(facts, carried, node);
  const decision = decide(name, desired, house, now);
  const turnInMs = copy === undefined ? turnOf(decision, house, node, now) : undefined;
  const unplaced = schedulingProblem(name, decision, house);
  // Without quorum they may be needed again, and a registry out of reach.
  const unneeded = copy === undefined ? removedImages(name, local, now) : { actions: [], waitMs: undefined };
  const early =
    copy === undefined && desired !== undefined ? prepull(name, { house, local, node }, now) : { actions: [], waitMs: undefined };
  const actions: readonly ServiceAction[] = [
    ...carried.actions,
    ...(turnInMs !== undefined && turnInMs <= 0 ? [decideAction(facts, desired, decision)] : []),
    ...(report ? [report] : []),
    ...unneeded.actions,
    ...early.actions,
  ];
  const conditions: readonly Condition[] = [
    ...(unplaced ? [unplaced] : []),
    ...carried.instances.flatMap(({ observed }) => observed.conditions),
  ];
  const recheckAfterMs = earliest([
    carried.recheckAfterMs,
    decision.recheckAfterMs,
    unneeded.waitMs,
    early.waitMs,
    turnInMs !== undefined && turnInMs > 0 ? Math.min(turnInMs, decision.chosen === undefined ? Infinity : LOOK_AGAIN_MS) : undefined,
  ]);
  return { actions, conditions, ...(recheckAfterMs !== undefined && { recheckAfterMs }) };
}

/** When this node may decide, counted from now: at once if the plan chose it, else by rank. Undefined: nothing is to be decided. */
function turnOf(decision: Decision, house: HouseFacts, node: NodeName, now: number): number | undefined {
  if (decision.next === house.decided?.value) return undefined;
  const alive = house.nodes
    .filter(({ record, downSinceMs }) => record !== undefined && downSinceMs === undefined)
    .map(({ name }) => name)
    .sort();
  const first = Math.max(0, alive.indexOf(decision.chosen ?? house.decided?.value.instances[0]?.node ?? ""));
  const own = alive.indexOf(node);
  const rank = own < 0 ? alive.length : (own - first + alive.length) % alive.length;
  const ownMs = Math.max(
    house.desiredSeenAtMs,
    house.decided?.seenAtMs ?? 0,
    ...[...house.observed.values()].map(({ seenAtMs }) => seenAtMs),
    ...house.nodes.map(({ record, downSinceMs }) => Math.max(record?.seenAtMs ?? 0, downSinceMs ?? 0)),
  );
  // Every node's turn was over while there was no room: else all would decide at once now, each of another one for the same room.
  const newestMs = now - ownMs > alive.length * RANK_DELAY_MS ? Math.max(ownMs, house.roomSinceMs ?? 0) : ownMs;
  return rank * RANK_DELAY_MS - (rank === 0 ? 0 : now - newestMs);
}

function decideAction({ name, house }: ServiceFacts, desired: Resource<"Service"> | undefined, { next }: Decision): Decide {
  const before = house.decided?.value.volumes ?? {};
  const placed = new Set(house.decided?.value.instances.map(({ id }) => id));
  const added = next?.instances.filter(({ id }) => !placed.has(id)) ?? [];
  const taking = new Set(added.map(({ node }) => node));
  const revisions = new Map(house.nodes.map((node) => [node.name, node.membership]));
  return {
    kind: "Decide",
    service: name,
    next,
    over: house.decided?.modRevision ?? 0,
    desired: Number(desired?.metadata.resourceVersion ?? 0),
    countedOut: nodesCountedOut(next, house),
    memberships: Object.fromEntries([...taking].sort().map((node) => [node, revisions.get(node) ?? 0])),
    placement: { room: roomTaken(next, added, house), revision: house.revision },
    newVolumes: Object.keys(next?.volumes ?? {}).filter((volume) => before[volume] === undefined && house.volumes[volume] === undefined),
  };
}

/**
 * Nothing decided but one compare-and-swap: over what was seen, for the desired object that was seen, on nodes as they were seen, without
 * those that are still away, with Volumes nobody made since.
 */
export function transactionOf(action: Decide): {
  readonly compare: readonly { readonly key: string; readonly modRevision: number }[];
  readonly writes: readonly ({ readonly put: string; readonly value: string } | { readonly delete: string })[];
} {
  const { service, next, over, desired, memberships, countedOut, newVolumes } = action;
  const key = keys.decided("Service", service);
  const volumes = newVolumes.map((name) => ({ put: keys.volume(name), value: JSON.stringify(next?.volumes?.[name]) }));
  return {
    compare: [
      { key, modRevision: over },
      { key: keys.desired("Service", service), modRevision: desired },
      ...Object.entries(countedOut).flatMap(([node, modRevision]) => [
        { key: keys.decided("Membership", node), modRevision },
        { key: keys.node(node), modRevision: 0 },
      ]),
      ...Object.entries(memberships).map(([node, modRevision]) => ({ key: keys.desired("Membership", node), modRevision })),
      ...volumes.map(({ put }) => ({ key: put, modRevision: 0 })),
    ],
    writes: [next === undefined ? { delete: key } : { put: key, value: JSON.stringify(next) }, ...volumes],
  };
}

/** Images that no Service needs any more, and how long those wait that could not be removed. */
function removedImages(
  service: Name,
  { unused, images, jobs }: LocalFacts,
  now: number,
): { readonly actions: readonly LocalAction[]; readonly waitMs: number | undefined } {
  const present = unused.filter((image) => images[image] !== undefined).map((image) => ({ image, job: jobs[jobKeys.removeImage(image)] }));
  const waits = present.map(({ job }) => (job?.state === "failed" ? retryAtMs(job) - now : undefined));
  const due = present.filter(({ job }, index) => job === undefined || (job.state === "failed" && (waits[index] ?? 0) <= 0));
  return {
    actions: due.map(({ image }) => ({ kind: "RemoveImage", image, service })),
    waitMs: earliest(waits.filter((ms) => ms !== undefined && ms > 0)),
  };
}
