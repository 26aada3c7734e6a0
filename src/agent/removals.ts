// Nodes that a person has removed: written once in the store by a voter, taken over by every node, and never taken back.
import { keys } from "../api/keys.ts";
import type { Store } from "../ports.ts";
import { isNodeId } from "../trust/node-id.ts";
import { signRemovals } from "./authority.ts";
import { anotherGossipKey } from "./gossip-key.ts";
import { acceptCrl, removedNodes } from "./trust.ts";

/** A lost compare-and-swap: another voter removes another node at the same moment. */
const TRIES_MAX = 8;

/** What the store has under `house/removed`. */
interface RemovalRecord {
  /** DER, as base64. */
  readonly crl: string;
  readonly removed: readonly string[];
}

/** On a node that holds the CA's key. When it returns, the store has it, and this node refuses the removed one. */
export async function removeNode(dataDir: string, store: Store, nodeId: string, signal: AbortSignal): Promise<void> {
  for (let tries = 0; tries < TRIES_MAX; tries++) {
    const entry = await store.get(keys.removed, signal);
    const removed = [...new Set([...removedNodes(dataDir), ...readRemovals(entry?.value), nodeId])];
    const record: RemovalRecord = { removed, crl: Buffer.from(await signRemovals(dataDir, removed)).toString("base64") };
    const { committed } = await store.commit(
      {
        compare: [{ key: keys.removed, modRevision: entry?.modRevision ?? 0 }],
        writes: [{ put: keys.removed, value: JSON.stringify(record) }, anotherGossipKey()],
      },
      signal,
    );
    if (committed) return takeOverRemovals(dataDir, JSON.stringify(record));
  }
  throw new Error(`Cannot remove ${nodeId}: the list of removed nodes changed ${TRIES_MAX} times meanwhile`);
}

/** On every node, with what the store has. etcd reads the file at each handshake; 733 wants to be told. Throws when it is forged. */
export async function takeOverRemovals(dataDir: string, value: string): Promise<void> {
  const { crl, removed } = JSON.parse(value) as RemovalRecord; // written above alone, and its signature is checked
  await acceptCrl(dataDir, Buffer.from(crl, "base64"), removed.filter(isNodeId));
}

function readRemovals(value: string | undefined): readonly string[] {
  return value === undefined ? [] : (JSON.parse(value) as RemovalRecord).removed.filter(isNodeId); // written above alone
}
