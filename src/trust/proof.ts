// Proofs that hold on one TLS connection alone: whoever repeats one elsewhere, or stands in between, has another exporter. Pure.
import { createHmac, timingSafeEqual } from "node:crypto";
import { canonicalJson } from "../api/hash.ts";

/** RFC 5705 and 8446, 7.5: both ends compute the same secret of their connection. */
export const EXPORTER_LABEL = "EXPORTER-fossora-join";
export const EXPORTER_BYTES = 32;

export interface ProofParts {
  /** What the store keeps of the token's secret, and what its bearer can compute. */
  readonly secretHash: string;
  readonly exporter: Uint8Array;
  /** Of the newcomer, as its TLS key says. */
  readonly nodeId: string;
  readonly body: unknown;
}

/** By the newcomer, over its request. */
export function joinProof(parts: ProofParts): string {
  return proof("join", parts);
}

/** By the house, over its answer: it knows the invitation, so it is not a node that was removed and kept its certificate. */
export function answerProof(parts: ProofParts): string {
  return proof("answer", parts);
}

export function sameProof(found: unknown, wanted: string): boolean {
  if (typeof found !== "string") return false;
  const [left, right] = [Buffer.from(found), Buffer.from(wanted)];
  return left.length === right.length && timingSafeEqual(left, right);
}

function proof(direction: "join" | "answer", { secretHash, exporter, nodeId, body }: ProofParts): string {
  return createHmac("sha256", secretHash)
    .update(`fossora ${direction} ${nodeId} `)
    .update(exporter)
    .update(canonicalJson(body))
    .digest("base64");
}
