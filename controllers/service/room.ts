// The room that decisions take on nodes. A node decides of many Services at the same moment, each by a view of the house in which the
// others are not placed yet: what one of them takes counts for the rest from the moment that it is written.
import type { NodeName } from "../../src/api/resource.ts";
import type { DecidedInstance, DecidedService } from "../../src/api/state.ts";
import type { Mirror } from "../../src/engine/contract.ts";
import type { HouseFacts } from "./facts.ts";
import { reservedBytes, reservedCpus } from "./traits.ts";

/** What a decision takes of a node, and what was free there in the view that it was made from. */
export interface Taken {
  readonly bytes: number;
  readonly cpus: number;
  readonly freeBytes: number;
  readonly freeCpus: number;
}

export interface Placement {
  readonly room: Readonly<Record<NodeName, Taken>>;
  /** Of the mirror when it was looked at. */
  readonly revision: number;
}

interface Hold {
  readonly room: Placement["room"];
  /** Undefined: it is being written. */
  revision: number | undefined;
}

/** More than a view can be behind by. */
const HOLDS_MAX = 256;
const holds = new WeakMap<Mirror, Hold[]>();

/** Of its new instances, by node. */
export function roomTaken(next: DecidedService | undefined, added: readonly DecidedInstance[], { nodes }: HouseFacts): Placement["room"] {
  const room: Record<NodeName, Taken> = {};
  for (const { node, revision } of added) {
    const facts = nodes.find(({ name }) => name === node);
    const spec = next?.revisions[revision]?.spec;
    if (facts?.record === undefined || spec === undefined) continue;
    const { memoryBytes, cpus } = facts.record.value;
    const before = room[node] ?? { bytes: 0, cpus: 0, freeBytes: memoryBytes - facts.load.memoryBytes, freeCpus: cpus - facts.load.cpus };
    room[node] = { ...before, bytes: before.bytes + reservedBytes(spec), cpus: before.cpus + reservedCpus(spec) };
  }
  return room;
}

/**
 * Writes a decision, unless what this node has placed since it was looked at leaves no room for it. `write` gives the revision, undefined
 * where nothing was written. False: it has to be looked at again.
 */
export async function inRoom({ room, revision }: Placement, mirror: Mirror, write: () => Promise<number | undefined>): Promise<boolean> {
  const others = holds.get(mirror) ?? [];
  const unseen = others.filter((other) => other.revision === undefined || other.revision > revision);
  const fits = Object.entries(room).every(([node, { bytes, cpus, freeBytes, freeCpus }]) => {
    const taken = unseen.flatMap((other) => other.room[node] ?? []);
    if (taken.length === 0) return true; // what fits was judged when it was placed
    const sum = (of: (each: Taken) => number): number => taken.reduce((total, each) => total + of(each), 0);
    return bytes + sum((each) => each.bytes) <= freeBytes && (cpus === 0 || cpus + sum((each) => each.cpus) <= freeCpus);
  });
  if (!fits) return false;
  const hold: Hold = { room, revision: undefined };
  holds.set(mirror, [...others, hold].slice(-HOLDS_MAX));
  const written = await write().catch((error: unknown) => {
    drop(mirror, hold);
    throw error;
  });
  if (written === undefined) drop(mirror, hold);
  else hold.revision = written;
  return true;
}

function drop(mirror: Mirror, hold: Hold): void {
  holds.set(
    mirror,
    (holds.get(mirror) ?? []).filter((each) => each !== hold),
  );
}
