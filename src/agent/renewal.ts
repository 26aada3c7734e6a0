// Leaves made anew while the house runs: by the node itself if it holds the CA's key, else by one that does, on 733. A node whose leaves
// have expired proves its known key instead, and is no stranger by that.
import { certifiedKeyOf } from "../adapters/x509/read.ts";
import { MeshRefusal } from "../api/errors.ts";
import type { MeshLink, MeshPeer } from "../mesh-ports.ts";
import { LEAF_USES, type LeafUse } from "../trust/leaves.ts";
import { houseHashOf } from "../trust/node-id.ts";
import { issueLeaves } from "./authority.ts";
import {
  acceptLeaves,
  dueLeaves,
  houseHash,
  leavesWanted,
  renewOwnLeaves,
  type DueLeaf,
  type LeavesWanted,
  type TrustOptions,
} from "./trust.ts";

const NAMES_MAX = 64;
const PEM_CHARACTERS_MAX = 1_000;

/** Answers `renew`. Throws MeshRefusal for what is not as it should be. */
export async function answerRenewal(
  dataDir: string,
  peer: Pick<MeshPeer, "nodeId">,
  body: unknown,
  nowMs?: number,
): Promise<Readonly<Record<LeafUse, string>>> {
  const wanted = readWanted(body);
  if (wanted === undefined) throw new MeshRefusal("Invalid", "A request for certificates has a public key for each use, and addresses");
  try {
    return await issueLeaves(dataDir, peer.nodeId, wanted, nowMs);
  } catch (error) {
    throw new MeshRefusal("CannotSign", error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Answers what was made anew. `link`: to a node that can sign, of this node's house; asked only if something is due. */
export async function renewLeaves(
  dataDir: string,
  options: TrustOptions & { readonly limitMs: number },
  link: () => Promise<MeshLink>,
): Promise<readonly DueLeaf[]> {
  const own = await renewOwnLeaves(dataDir, options);
  if (own.length > 0) return own;
  const due = dueLeaves(dataDir, options);
  if (due.length === 0) return due;
  const signer = await link();
  const ca = signer.peer.house?.ca;
  if (ca === undefined || houseHashOf(certifiedKeyOf(ca)) !== houseHash(dataDir))
    throw new Error(`Cannot renew certificates at ${signer.peer.address}: it is not of this house`);
  const leaves = await signer.request("renew", leavesWanted(dataDir, options.addresses ?? []), { limitMs: options.limitMs });
  acceptLeaves(dataDir, leaves as Readonly<Record<LeafUse, string>>); // it checks each
  return due;
}

function readWanted(body: unknown): LeavesWanted | undefined {
  if (typeof body !== "object" || body === null) return undefined;
  const { keys, names } = body as { readonly keys?: unknown; readonly names?: unknown }; // looked at below
  if (typeof keys !== "object" || keys === null || !Array.isArray(names) || names.length > NAMES_MAX) return undefined;
  const texts = LEAF_USES.map((use) => (keys as Readonly<Record<string, unknown>>)[use]); // it is an object
  const areTexts = [...texts, ...(names as readonly unknown[])].every(
    (text) => typeof text === "string" && text.length <= PEM_CHARACTERS_MAX,
  );
  return areTexts ? (body as LeavesWanted) : undefined; // checked above
}
