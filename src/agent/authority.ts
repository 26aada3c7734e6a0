// What only a node with the CA's key does: sign leaves for others, and strike nodes off for ever.
import { createCrl, issueLeaf } from "../adapters/x509/certificates.ts";
import { belongTogether, publicDerOf } from "../adapters/x509/read.ts";
import { believedMs, commonNameOf, LEAF_USES, leafNames, serialNumberOf, serialNumbersOf, type LeafUse } from "../trust/leaves.ts";
import { nodeIdOf } from "../trust/node-id.ts";
import { readIfThere } from "./files.ts";
import { authorityKeyFile, removedNodes, trustFiles, type LeavesWanted } from "./trust.ts";

/**
 * Leaves for a node whose key was proven. Throws when its agent's key is another, when it was removed, when a name is no IP address,
 * or when this node does not hold the CA's key.
 */
export async function issueLeaves(
  dataDir: string,
  nodeId: string,
  wanted: LeavesWanted,
  nowMs = believedMs(Date.now()),
): Promise<Readonly<Record<LeafUse, string>>> {
  const authority = authorityOf(dataDir);
  if (nodeIdOf(publicDerOf(wanted.keys.agent)) !== nodeId) throw new Error(`Cannot sign for ${nodeId}: the key is not the node's`);
  if (removedNodes(dataDir).includes(nodeId)) throw new Error(`Cannot sign for ${nodeId}: the node was removed from this house`);
  const names = leafNames("etcd-peer", wanted.names);
  const strange = names.find((name) => name !== "localhost" && !/^(\d{1,3}(\.\d{1,3}){3}|[\da-f:.]*:[\da-f:.]*)$/.test(name));
  if (strange !== undefined) throw new Error(`Cannot sign for ${nodeId}: "${strange}" is no IP address`);
  const leaves = await Promise.all(
    LEAF_USES.map(async (use) => {
      const request = {
        commonName: commonNameOf(use, nodeId),
        names: leafNames(use, names),
        serialNumber: serialNumberOf(use, nodeId),
        publicKey: wanted.keys[use],
      };
      return [use, await issueLeaf(authority, request, nowMs)] as const;
    }),
  );
  return Object.fromEntries(leaves) as Readonly<Record<LeafUse, string>>; // every use is there
}

/** The CRL of these nodes and no others, as DER: a removed key never belongs to this house again. */
export function signRemovals(dataDir: string, removed: readonly string[]): Promise<Uint8Array> {
  return createCrl(authorityOf(dataDir), removed.flatMap(serialNumbersOf));
}

/** The CA's key, for a node that is promoted to voter. */
export function authorityKey(dataDir: string): string {
  return authorityOf(dataDir).key;
}

function authorityOf(dataDir: string): { readonly certificate: string; readonly key: string } {
  const [certificate, key] = [readIfThere(trustFiles(dataDir).ca), readIfThere(authorityKeyFile(dataDir))];
  if (certificate === undefined || key === undefined)
    throw new Error("Cannot sign: this node does not hold the key of the house, a voter does");
  if (!belongTogether(certificate, key))
    throw new Error("Cannot sign: the key of the house on this disk does not belong to its certificate");
  return { certificate, key };
}
