// Which images a node pulls before it needs them: two nodes besides those that run an app have what it takes to take it over, so that no
// failover waits for a registry. Pure.
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { LocalAction } from "./actions.ts";
import { wantedOf } from "./decide.ts";
import { earliest } from "./earliest.ts";
import { retryAtMs } from "./effort.ts";
import type { HouseFacts, LocalFacts, NodeFacts } from "./facts.ts";
import { jobKeys } from "./job-keys.ts";
import { fitness, place } from "./placement.ts";
import { isExclusive, isMovable } from "./traits.ts";

/** Besides those that run it. */
const NODES_MAX = 2;
/** Nobody waits for it. */
const RETRY_MS = 60_000;
/** So much stays free whatever is pulled beforehand, and so much of the whole. */
const DISK_FREE_BYTES = 4 * 2 ** 30;
const DISK_FREE_PART = 5;

/** What this node should have although it does not run the Service; nothing while it is being changed. */
export function prepulledImages(service: Name, house: HouseFacts, node: NodeName): readonly string[] {
  const decided = house.decided?.value;
  const spec = decided?.revisions[decided.target]?.spec;
  if (decided === undefined || spec === undefined || decided.good !== decided.target || !mayGo(spec)) return [];
  if (!candidates(service, { decided, spec }, house).includes(node)) return [];
  return [...new Set(spec.containers.flatMap(({ image, pull }) => (pull === "never" ? [] : [image])))];
}

function mayGo(spec: ServiceSpec): boolean {
  const isPlaced = spec.replicas !== "all" && spec.replicas > 0;
  return isPlaced && spec.placement?.prepull !== false && (isMovable(spec) || isExclusive(spec));
}

/** Those that have pulled for it already stay, and whatever else runs on a node counts only where it leaves no room: nothing is pulled once more for a load. */
function candidates(
  service: Name,
  { decided, spec }: { readonly decided: DecidedService; readonly spec: ServiceSpec },
  house: HouseFacts,
): readonly NodeName[] {
  const runs = new Set(decided.instances.map(({ node }) => node));
  const wanted = wantedOf(service, spec, house);
  const others = house.nodes.filter(({ name }) => !runs.has(name));
  const fit = new Set(fitness(wanted, others).flatMap(({ node, fits }) => (fits ? [node] : [])));
  let open = others.filter(({ name }) => fit.has(name));
  const chosen = [...house.observed]
    .flatMap(([node, { value }]) => (fit.has(node) && (value.pulled ?? []).length > 0 ? [node] : []))
    .sort();
  while (chosen.length < NODES_MAX) {
    open = open.filter(({ name }) => !chosen.includes(name));
    const next = place(wanted, open.map(unloaded), new Map())?.node;
    if (next === undefined) break;
    chosen.push(next);
  }
  return chosen.slice(0, NODES_MAX);
}

function unloaded(node: NodeFacts): NodeFacts {
  return { ...node, load: { instances: 0, memoryBytes: 0, cpus: 0 } };
}

/** What is pulled beforehand takes no disk that apps may need. */
export function isRoomy({ freeBytes, totalBytes }: { readonly freeBytes: number; readonly totalBytes: number }): boolean {
  return freeBytes >= Math.max(DISK_FREE_BYTES, totalBytes / DISK_FREE_PART);
}

/** Pulls that are due, and when the next one is. */
export function prepull(
  service: Name,
  { house, local, node }: { readonly house: HouseFacts; readonly local: LocalFacts; readonly node: NodeName },
  now: number,
): { readonly actions: readonly LocalAction[]; readonly waitMs: number | undefined } {
  if (local.containers === undefined || !local.hasRoom) return { actions: [], waitMs: undefined };
  const spec = house.decided?.value.revisions[house.decided.value.target]?.spec;
  const missing = prepulledImages(service, house, node).filter((image) => local.images[image] === undefined);
  const pulls = missing.map((image) => {
    const key = jobKeys.prepull(service, image);
    const job = local.jobs[key];
    const waitMs = job?.state === "failed" ? retryAtMs(job, RETRY_MS) - now : 0;
    return { image, key, job, waitMs };
  });
  return {
    actions: pulls.flatMap(({ image, key, job, waitMs }): readonly LocalAction[] => {
      const platform = spec?.containers.find((each) => each.image === image)?.platform;
      if (job?.state === "running" || waitMs > 0) return [];
      return [{ kind: "PullImage", service, image, key, isEarly: true, ...(platform !== undefined && { platform }) }];
    }),
    waitMs: earliest(pulls.map(({ waitMs }) => (waitMs > 0 ? waitMs : undefined))),
  };
}
