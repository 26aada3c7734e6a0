// The queue, the admission under way and the roster, out of what a listing of the store holds. Pure.
import { keys, PREFIX } from "../api/keys.ts";
import type { ActiveAdmission, HouseNode, HouseView, Ms, QueueEntry } from "./house-view.ts";
import type { Timing } from "./timing.ts";

interface Listed {
  readonly key: string;
  readonly value: string;
  readonly modRevision: number;
}

export type HouseRecords = Pick<HouseView, "entries" | "active" | "roster" | "timing">;

/** The roster with what people wish: `roles` of Memberships, by the names of their nodes. Of others each says nothing, and has what it has. */
export function withRoles(roster: HouseView["roster"], roles: ReadonlyMap<string, HouseNode["role"]>): HouseView["roster"] {
  if (roles.size === 0) return roster;
  return new Map([...roster].map(([nodeId, node]) => [nodeId, { ...node, role: roles.get(node.name) ?? node.role }]));
}

/** Of entries below `queue/` and `house/`; `seenAtMs` says when this agent first saw a key at a revision. */
export function houseRecords(listed: Iterable<Listed>, seenAtMs: (key: string, modRevision: number) => Ms): HouseRecords {
  const entries: HouseView["entries"][number][] = [];
  const roster = new Map<string, HouseNode>();
  let active: HouseView["active"];
  let timing: HouseView["timing"];
  const nodes = keys.houseNode("");
  for (const { key, value, modRevision } of listed) {
    const stored = { modRevision, seenAtMs: seenAtMs(key, modRevision) };
    // Written by store-change.ts and timing-plan.ts alone.
    if (key === keys.timing) timing = { ...stored, value: JSON.parse(value) as Timing };
    else if (key === keys.admission) active = { ...stored, value: JSON.parse(value) as ActiveAdmission };
    else if (key.startsWith(PREFIX.queue)) entries.push({ ...stored, value: JSON.parse(value) as QueueEntry });
    else if (key.startsWith(nodes)) roster.set(key.slice(nodes.length), JSON.parse(value) as HouseNode);
  }
  return { entries, roster, ...(active !== undefined && { active }), ...(timing !== undefined && { timing }) };
}
