// Records that a node is dead: by compare-and-swap, so that only a node with quorum can, and never over what the node itself said since.
import { keys } from "../api/keys.ts";
import type { NodeName } from "../api/resource.ts";
import type { DecidedMembership } from "../api/state.ts";
import type { Mirror } from "../engine/contract.ts";
import type { Clock, Events, Lease, Store } from "../ports.ts";

export interface DeathPorts {
  readonly mirror: Pick<Mirror, "fresh" | "desired" | "decided">;
  readonly store: Pick<Store, "commit">;
  readonly lease: Pick<Lease, "writtenAt">;
  readonly events: Events;
  readonly clock: Pick<Clock, "wall">;
}

/**
 * Does nothing where it is recorded, where the node was removed, and while the store is not seen. What is written counts only while `by` is
 * announced as it is now: a write that the sleep of its computer held up for longer than the lease says nothing any more. Throws StoreUnavailable.
 */
export async function recordDeath(
  { mirror, store, lease, events, clock }: DeathPorts,
  { node, by }: { readonly node: NodeName; readonly by: NodeName },
  signal: AbortSignal,
): Promise<void> {
  if (!mirror.fresh || mirror.desired("Membership", node) === undefined) return;
  const verdict = mirror.decided<DecidedMembership>("Membership", node);
  const announcedAt = lease.writtenAt(keys.node(by));
  if (verdict?.value.state === "Down" || announcedAt === undefined) return;
  const key = keys.decided("Membership", node);
  const down: DecidedMembership = { state: "Down", by, since: clock.wall() };
  const compare = [
    { key, modRevision: verdict?.modRevision ?? 0 },
    { key: keys.node(by), modRevision: announcedAt },
  ];
  const { committed } = await store.commit({ compare, writes: [{ put: key, value: JSON.stringify(down) }] }, signal);
  if (committed)
    events.emit({ kind: "Membership", name: node, type: "Warning", reason: "Down", message: `Node ${node} is silent and counts as dead` });
}
