// What people wish of the house and its nodes, as this node's copy has it. What cannot be read is not wished: whoever asks goes on
// without, and the engine says what is wrong. Pure.
import type { NodeName } from "../api/resource.ts";
import type { Mirror } from "../engine/contract.ts";
import { houseSettings, type HouseSettings } from "./joining/house-settings.ts";

/** As its House says. */
export function wishedSettings(mirror: Pick<Mirror, "desired">): HouseSettings {
  return houseSettings(readable(() => mirror.desired("House", "house"))?.spec);
}

/** Ids of nodes that are drained, or about to stop. */
export function leavingNodes(mirror: Pick<Mirror, "desired" | "nodes">): ReadonlySet<string> {
  const isDrained = (name: NodeName): boolean => readable(() => mirror.desired("Membership", name))?.spec.drain === true;
  return new Set(
    [...mirror.nodes()].filter(([name, { value }]) => value.goes !== undefined || isDrained(name)).map(([, { value }]) => value.nodeId),
  );
}

function readable<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch {
    return undefined; // its value is no JSON
  }
}
