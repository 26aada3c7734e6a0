// The certificates of a node: what each is for, what it says, and when it must be made anew. Pure.
import { createHash } from "node:crypto";
import { isNodeId } from "./node-id.ts";

/** `agent` speaks on 733 and to etcd, `ingress` on 734; etcd shows one leaf to its peers and one to its clients. */
export const LEAF_USES = ["agent", "ingress", "etcd-peer", "etcd-client"] as const;
export type LeafUse = (typeof LEAF_USES)[number];

const YEAR_MS = 365 * 24 * 3600 * 1000;
/** A house that is off for a long holiday finds its leaves good, or makes new ones before anybody looks. */
const RENEW_BEFORE_END_MS = YEAR_MS;
/** Older than this program: a clock that says so was never set. */
const EARLIEST_MS = Date.UTC(2026, 0, 1);
const SERIAL_BYTES = 16;
const ADDRESSES_MAX = 64;

export interface LeafFacts {
  readonly commonName: string;
  /** IP addresses and DNS names. */
  readonly names: readonly string[];
  readonly notAfterMs: number;
  readonly serialNumber: string;
  /** Signed by the CA that the house has now. */
  readonly issuedByHouse: boolean;
}

/** What a computer's clock may be believed of: from a wrong one on, a certificate would soon be over, and the house's own never is made anew. */
export function believedMs(clockMs: number): number {
  return Math.max(clockMs, EARLIEST_MS);
}

export function commonNameOf(use: LeafUse, nodeId: string): string {
  return `${use}.${nodeId}`;
}

/** Of a common name as above; undefined for any other. */
export function readCommonName(commonName: string): { readonly use: LeafUse; readonly nodeId: string } | undefined {
  const [name, nodeId = "", more] = commonName.split(".");
  const use = LEAF_USES.find((each) => each === name);
  return use !== undefined && more === undefined && isNodeId(nodeId) ? { use, nodeId } : undefined;
}

/**
 * Upper-case hexadecimal. It follows from node and use, so that a leaf made anew has the number of the old one: RFC 5280 wants another,
 * but thus a node can be removed, all its leaves of all years with it, without a list of what was ever issued.
 */
export function serialNumberOf(use: LeafUse, nodeId: string): string {
  const bytes = createHash("sha256").update(commonNameOf(use, nodeId)).digest().subarray(0, SERIAL_BYTES);
  bytes.writeUInt8((bytes.readUInt8(0) & 0x3f) | 0x40, 0); // positive, and without a leading zero that some print and others do not
  return bytes.toString("hex").toUpperCase();
}

/** What a CRL has of a node that was removed. */
export function serialNumbersOf(nodeId: string): readonly string[] {
  return LEAF_USES.map((use) => serialNumberOf(use, nodeId));
}

/**
 * The node whose leaf for this use it is; undefined: no node's, or a removed one's. Whoever asks has checked that the house's CA signed it,
 * and that the other end holds its key.
 */
export function memberOf(
  leaf: Pick<LeafFacts, "commonName" | "serialNumber">,
  use: LeafUse,
  removed: readonly string[],
): string | undefined {
  const name = readCommonName(leaf.commonName);
  if (name?.use !== use || leaf.serialNumber !== serialNumberOf(use, name.nodeId)) return undefined;
  return removed.includes(name.nodeId) ? undefined : name.nodeId;
}

/**
 * `localhost` is what etcd's clients ask for, since no address can be a TLS server name. Agent and ingress show theirs to strangers, who need
 * not read there where else this computer is; and on 733 and 734 the key alone counts.
 */
export function leafNames(use: LeafUse, addresses: readonly string[]): readonly string[] {
  if (use === "agent" || use === "ingress") return [];
  return [...new Set(["localhost", "127.0.0.1", "::1", ...addresses])].slice(0, ADDRESSES_MAX);
}

/** Why a leaf must be made anew; undefined: it is good. An address that the node has lost does no harm. */
export function leafIsDue(
  leaf: LeafFacts | undefined,
  wanted: Omit<LeafFacts, "notAfterMs" | "issuedByHouse">,
  nowMs: number,
): string | undefined {
  if (leaf === undefined) return "it is missing";
  if (!leaf.issuedByHouse) return "it is another house's";
  if (leaf.commonName !== wanted.commonName || leaf.serialNumber !== wanted.serialNumber) return "it is another node's";
  if (leaf.notAfterMs - nowMs < RENEW_BEFORE_END_MS) return leaf.notAfterMs < nowMs ? "it has expired" : "it expires within a year";
  const missing = wanted.names.find((name) => !leaf.names.includes(name));
  return missing === undefined ? undefined : `it lacks ${missing}`;
}
