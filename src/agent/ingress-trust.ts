// What this node's ingress shows on 734, and whom it takes for an ingress of the house. The key itself stays in its file.
import type { MeshSettings } from "../api/table.ts";
import { readIfThere } from "./files.ts";
import { dueLeaves, hasTrust, removedNodes, trustFiles } from "./trust.ts";

export type IngressTrust = Pick<MeshSettings, "certificate" | "keyFile" | "ca" | "removed">;

/** Read anew after joining, a new leaf, or a removal. undefined: this node has no house, or no good leaf yet. */
export function loadIngressTrust(dataDir: string): IngressTrust | undefined {
  const files = trustFiles(dataDir);
  const [ca, leaf] = [readIfThere(files.ca), readIfThere(files.ingress.certificate)];
  if (ca === undefined || leaf === undefined || !hasTrust(dataDir)) return undefined;
  if (dueLeaves(dataDir).some(({ use, why }) => use === "ingress" && why !== "it expires within a year")) return undefined;
  return { certificate: `${leaf.trimEnd()}\n${ca}`, keyFile: files.ingress.key, ca, removed: removedNodes(dataDir) };
}
