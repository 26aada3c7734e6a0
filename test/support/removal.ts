// A node struck off on one disk alone, as a house of one would do it; src/agent/removals.ts does it for a house.
import { signRemovals } from "../../src/agent/authority.ts";
import { acceptCrl, removedNodes } from "../../src/agent/trust.ts";

export async function revokeNode(
  dataDir: string,
  nodeId: string,
): Promise<{ readonly crl: Uint8Array; readonly removed: readonly string[] }> {
  const removed = [...new Set([...removedNodes(dataDir), nodeId])];
  const crl = await signRemovals(dataDir, removed);
  await acceptCrl(dataDir, crl, removed);
  return { crl, removed };
}
