// The room that decisions take on nodes. A node decides of many Services at the same moment, each by a view of the house in which the
// others are not placed yet: what one of them takes counts for the rest from the moment that it is written. Kept in memory, by mirror.
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
 * Undefined: what this node has placed since the decision was made leaves no room for it, and it has to be looked at again. Else whoever
 * writes it tells what became of that: the revision, undefined where nothing was written.
 */
export function holdRoom({ room, revision }: Placement, mirror: Mirror): ((written: number | undefined) => void) | undefined {
  const others = holds.get(mirror) ?? [];
  const unseen = others.filter((other) => other.revision === undefined || other.revision > revision);
  const takenOf = (node: NodeName): readonly Taken[] => unseen.flatMap((other) => other.room[node] ?? []);
  if (!Object.entries(room).every(([node, taken]) => fitsBeside(taken, takenOf(node)))) return undefined;
  const hold: Hold = { room, revision: undefined };
  holds.set(mirror, [...others, hold].slice(-HOLDS_MAX));
  return (written) => {
    hold.revision = written;
    if (written === undefined) drop(hold, mirror);
  };
}

function drop(hold: Hold, mirror: Mirror): void {
  const left = (holds.get(mirror) ?? []).filter((each) => each !== hold);
  holds.set(mirror, left);
}

/** Beside none it does: that was judged when it was placed. */
function fitsBeside({ bytes, cpus, freeBytes, freeCpus }: Taken, others: readonly Taken[]): boolean {
  if (others.length === 0) return true;
  const total = others.reduce((sum, each) => ({ bytes: sum.bytes + each.bytes, cpus: sum.cpus + each.cpus }), { bytes, cpus });
  return total.bytes <= freeBytes && (cpus === 0 || total.cpus <= freeCpus);
}
