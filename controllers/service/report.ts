// What this node tells the house of its instances, and whether that is worth a write: only what a reader needs, so that a node at rest
// writes nothing and a start costs one report.
import { unstamped } from "../../src/api/conditions.ts";
import { canonicalJson } from "../../src/api/hash.ts";
import type { NodeName } from "../../src/api/resource.ts";
import type { ObservedInstance, ObservedService } from "../../src/api/state.ts";
import type { Report } from "./actions.ts";
import type { CarriedOut } from "./carry-out.ts";
import type { LocalFacts, ServiceFacts } from "./facts.ts";
import { jobKeys } from "./job-keys.ts";
import { isLoop } from "./reasons.ts";
import { cannotRunTwice } from "./traits.ts";
import { withUnheld } from "./unheld.ts";

/** Undefined: the house knows. */
export function reportOf({ name, house, local }: ServiceFacts, carried: CarriedOut, node: NodeName): Report | undefined {
  const before = local.reported?.value;
  const decided = house.decided?.value;
  const told = new Set(before?.instances.map(({ id }) => id));
  const early = house.nodes.length > 1;
  const current = carried.instances.filter(({ quiet, observed }) => {
    const spec = decided?.revisions[observed.revision]?.spec;
    // Two at once would do harm, so the others must know of it before it starts.
    return !quiet || told.has(observed.id) || (early && spec !== undefined && cannotRunTwice(spec));
  });
  const instances = [...current.map(({ observed }) => withUnheld(observed, local)), ...stillLeaving(local, carried)];
  const pulled = pulledImages(local);
  const isEmpty = instances.length === 0 && pulled.length === 0;
  const next: ObservedService | undefined = isEmpty ? undefined : { bootId: local.bootId, instances, ...(pulled.length > 0 && { pulled }) };
  return essence(next) === essence(before) ? undefined : { kind: "Report", service: name, node, observed: next };
}

/** What is being stopped is told as it was, until it is gone: readers go by `decided` and know better. */
function stillLeaving(local: LocalFacts, carried: CarriedOut): readonly ObservedInstance[] {
  const current = new Set(carried.instances.map(({ observed }) => observed.id));
  const exists = new Set(local.containers?.map(({ instance }) => instance));
  const before = local.reported?.value.instances ?? [];
  return before.filter(({ id }) => !current.has(id) && (local.containers === undefined || exists.has(id)));
}

function pulledImages(local: LocalFacts): readonly string[] {
  const before = local.reported?.value.pulled ?? [];
  // An image that Docker would not remove is somebody else's now.
  const isGone = (image: string): boolean => local.images[image] === undefined || local.jobs[jobKeys.removeImage(image)]?.state === "done";
  const gone = new Set(local.containers === undefined ? [] : local.unused.filter(isGone));
  return [...new Set([...before, ...local.pulled])].filter((image) => !gone.has(image)).sort();
}

/** Without what changes all the time and moves nobody: times, restarts, the last words of a check, the turns of a crash loop, each step of a start. */
function essence(observed: ObservedService | undefined): string {
  if (observed === undefined) return "";
  return canonicalJson({ ...observed, instances: observed.instances.map(instanceEssence) });
}

function instanceEssence({ id, revision, ready, fenced, addresses, containers, conditions }: ObservedInstance): unknown {
  const common = { id, revision, ready, fenced, conditions: unstamped(conditions) };
  if (!ready && conditions.every(({ reason }) => isLoop(reason))) return common;
  return { ...common, addresses, containers: containers.map(({ detail: _detail, restarts: _restarts, ...container }) => container) };
}
