// What this node shows on 733, and whom it takes for a member of its house.
import path from "node:path";
import { belongTogether } from "../adapters/x509/read.ts";
import type { MeshTrust } from "../adapters/mesh/identify.ts";
import { readIfThere, writeWhole } from "./files.ts";
import { loadNodeId, loadNodeKey } from "./identity.ts";
import { dueLeaves, hasTrust, removedNodes, trustFiles } from "./trust.ts";

/** Read anew after joining, a new leaf, or a removal. `ca` is known before there is a leaf: of the house that is about to admit this node. */
export async function loadMeshTrust(dataDir: string, admittedBy?: { readonly ca: string }): Promise<MeshTrust> {
  const key = loadNodeKey(dataDir);
  const files = trustFiles(dataDir);
  const [ca, leaf] = [readIfThere(files.ca), readIfThere(files.agent.certificate)];
  const isGood = hasTrust(dataDir) && !dueLeaves(dataDir).some(({ use, why }) => use === "agent" && why !== "it expires within a year");
  if (ca !== undefined && leaf !== undefined && isGood)
    return { certificate: `${leaf.trimEnd()}\n${ca}`, key, ca, removed: removedNodes(dataDir) };
  // Without a good leaf the key alone must tell who this is, as before joining.
  const known = hasTrust(dataDir) ? ca : admittedBy?.ca;
  return {
    certificate: await nodeCertificate(dataDir, key),
    key,
    ...(known !== undefined && { ca: known }),
    removed: removedNodes(dataDir),
  };
}

/** Made once: it has no end and names nothing but the key. */
async function nodeCertificate(dataDir: string, key: string): Promise<string> {
  const file = path.join(dataDir, "node.crt");
  const stored = readIfThere(file);
  if (stored !== undefined && belongTogether(stored, key)) return stored;
  const { selfSign } = await import("../adapters/x509/certificates.ts");
  const made = await selfSign(`node.${loadNodeId(dataDir)}`, key);
  writeWhole(file, made);
  return made;
}
