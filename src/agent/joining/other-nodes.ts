// The other computers of this one's house, by what its disk last knew, whether an agent runs or not.
import { begunAs } from "../etcd.ts";
import { loadNodeId } from "../identity.ts";
import { hasTrust, houseHash } from "../trust.ts";
import { readMembership } from "./member-disk.ts";
import { lastSeen } from "./seen.ts";
import { JoinWish } from "./wish.ts";

/**
 * Names of those that may count on this computer, or run its apps; empty where it never heard them. Undefined: there are none, or nothing of
 * the house that it left runs here.
 */
export function otherNodes(dataDir: string): readonly string[] | undefined {
  if (!hasTrust(dataDir)) return new JoinWish(dataDir).hasLeftovers ? [] : undefined;
  const { house, known = [] } = lastSeen(dataDir);
  if (house === undefined || house.id !== houseHash(dataDir)) return isAdmitted(dataDir) ? [] : undefined;
  const own = loadNodeId(dataDir);
  const names = known.filter(({ nodeId }) => nodeId !== own).map(({ name }) => name);
  return names.length === 0 && house.nodes < 2 ? undefined : names.toSorted();
}

/** By others, into their house. */
function isAdmitted(dataDir: string): boolean {
  const membership = readMembership(dataDir);
  return begunAs(dataDir) === "admitted" || (membership !== undefined && membership.memberId === undefined);
}
