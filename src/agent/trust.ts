// The house's certificates on this node's disk: made at founding or given at joining, looked at before etcd starts. etcd is never open to
// a stranger, not even on loopback. Keys are made once and never leave the disk; only the CA's goes to those who vote.
import { rmSync } from "node:fs";
import path from "node:path";
import { belongTogether, certifiedKeyOf, createKey, publicKeyOf, readLeaf } from "../adapters/x509/read.ts";
import {
  believedMs,
  commonNameOf,
  LEAF_USES,
  leafIsDue,
  leafNames,
  serialNumberOf,
  serialNumbersOf,
  type LeafUse,
} from "../trust/leaves.ts";
import { houseHashOf, isNodeId } from "../trust/node-id.ts";
import { makePrivateFolder, readIfThere, writeWhole } from "./files.ts";
import { loadNodeId, nodeKeyFile } from "./identity.ts";

export interface LeafFiles {
  readonly certificate: string;
  readonly key: string;
}

/** Paths of PEM files; the CRL is DER. */
export interface TrustFiles {
  readonly ca: string;
  readonly crl: string;
  /** On the node's own key: this agent's on 733, and as etcd's client. */
  readonly agent: LeafFiles;
  /** On 734. */
  readonly ingress: LeafFiles;
  /** What etcd shows to its peers, and to its clients. */
  readonly etcdPeer: LeafFiles;
  readonly etcdClient: LeafFiles;
}

export interface TrustOptions {
  /** All of this node's, to be in its leaves. */
  readonly addresses?: readonly string[];
  readonly nowMs?: number;
}

export interface DueLeaf {
  readonly use: LeafUse;
  readonly why: string;
}

/** What a node asks for when it cannot make its leaves itself. Public keys as PEM. */
export interface LeavesWanted {
  readonly keys: Readonly<Record<LeafUse, string>>;
  readonly names: readonly string[];
}

/** What a newcomer is given. */
export interface HouseGift {
  readonly ca: string;
  readonly crl: Uint8Array;
  readonly removed: readonly string[];
  /** PEM by use. */
  readonly leaves: Readonly<Record<LeafUse, string>>;
  /** Of a voter only. */
  readonly caKey?: string;
}

/** Founds what is missing and makes leaves anew that are due, if this node can; a power cut at any moment leaves nothing half done. */
export async function loadTrust(dataDir: string, options: TrustOptions = {}): Promise<TrustFiles> {
  if (!hasTrust(dataDir)) await found(dataDir, options);
  await renewOwnLeaves(dataDir, options);
  return trustFiles(dataDir);
}

/** Does this node belong to a house? */
export function hasTrust(dataDir: string): boolean {
  return readIfThere(completeFile(dataDir)) !== undefined;
}

export function trustFiles(dataDir: string): TrustFiles {
  const file = (name: string): string => path.join(trustFolder(dataDir), name);
  const leaf = (use: LeafUse): LeafFiles => leafFiles(dataDir, use);
  return {
    ca: file("ca.crt"),
    crl: file("ca.crl"),
    agent: leaf("agent"),
    ingress: leaf("ingress"),
    etcdPeer: leaf("etcd-peer"),
    etcdClient: leaf("etcd-client"),
  };
}

export function authorityKeyFile(dataDir: string): string {
  return path.join(trustFolder(dataDir), "ca.key");
}

/** Can this node sign for others? */
export function holdsAuthority(dataDir: string): boolean {
  return readIfThere(authorityKeyFile(dataDir)) !== undefined;
}

/** Which of the house's CAs signs here; undefined while this node has no house. */
export function houseHash(dataDir: string): string | undefined {
  const ca = readIfThere(trustFiles(dataDir).ca);
  return hasTrust(dataDir) && ca !== undefined ? houseHashOf(certifiedKeyOf(ca)) : undefined;
}

/** Leaves that must be made anew: by this node if it holds the CA's key, else by one that does. */
export function dueLeaves(dataDir: string, { addresses = [], nowMs = believedMs(Date.now()) }: TrustOptions = {}): readonly DueLeaf[] {
  const nodeId = loadNodeId(dataDir);
  const ca = readIfThere(trustFiles(dataDir).ca) ?? "";
  return LEAF_USES.flatMap((use) => {
    const { certificate, key } = leafFiles(dataDir, use);
    const wanted = { commonName: commonNameOf(use, nodeId), serialNumber: serialNumberOf(use, nodeId), names: leafNames(use, addresses) };
    const text = readIfThere(certificate);
    const leaf = text === undefined ? undefined : readLeaf(text, ca);
    const why = leafIsDue(leaf, wanted, nowMs) ?? (belongTogether(text, readIfThere(key)) ? undefined : "its key is missing");
    return why === undefined ? [] : [{ use, why }];
  });
}

/** Makes keys that are missing. */
export function leavesWanted(dataDir: string, addresses: readonly string[]): LeavesWanted {
  makePrivateFolder(trustFolder(dataDir));
  const keys = Object.fromEntries(LEAF_USES.map((use) => [use, publicKeyOf(leafKey(dataDir, use))]));
  return { keys: keys as LeavesWanted["keys"], names: leafNames("etcd-peer", addresses) }; // every use is there
}

/** Of a node that holds the CA's key. Answers what was made anew; etcd and our own TLS read the files again by themselves. */
export async function renewOwnLeaves(dataDir: string, options: TrustOptions = {}): Promise<readonly DueLeaf[]> {
  const key = readIfThere(authorityKeyFile(dataDir));
  const due = key === undefined ? [] : dueLeaves(dataDir, options);
  if (due.length === 0) return due;
  const { issueLeaves } = await import("./authority.ts");
  const leaves = await issueLeaves(dataDir, loadNodeId(dataDir), leavesWanted(dataDir, options.addresses ?? []), options.nowMs);
  for (const { use } of due) writeWhole(leafFiles(dataDir, use).certificate, leaves[use]);
  return due;
}

/**
 * A newcomer's whole trust. That of an earlier house, which it has left, ends with it: its CA's key would be taken for the new one's. After
 * a power cut in the middle this node belongs to no house, and asks again.
 */
export function acceptHouse(dataDir: string, gift: HouseGift): void {
  makePrivateFolder(trustFolder(dataDir));
  const files = trustFiles(dataDir);
  for (const gone of [completeFile(dataDir), authorityKeyFile(dataDir)]) rmSync(gone, { force: true });
  writeWhole(files.ca, gift.ca);
  if (gift.caKey !== undefined) holdAuthority(dataDir, gift.caKey);
  writeWhole(removedFile(dataDir), JSON.stringify(gift.removed));
  writeWhole(files.crl, gift.crl);
  acceptLeaves(dataDir, gift.leaves);
  writeWhole(completeFile(dataDir), "");
}

/** Of a node that has left its house, or was removed: nothing of it is good for anything any more. The node's own key stays. */
export function forgetHouse(dataDir: string): void {
  rmSync(completeFile(dataDir), { force: true }); // first: half of it is no house
  rmSync(trustFolder(dataDir), { recursive: true, force: true });
}

/** Throws when one is not this house's, or not for this node's keys. */
export function acceptLeaves(dataDir: string, leaves: HouseGift["leaves"]): void {
  const ca = readIfThere(trustFiles(dataDir).ca) ?? "";
  for (const use of LEAF_USES) {
    const text = leaves[use];
    const facts = readLeaf(text, ca);
    const mine = facts?.issuedByHouse === true && facts.commonName === commonNameOf(use, loadNodeId(dataDir));
    if (!mine || !belongTogether(text, leafKey(dataDir, use)))
      throw new Error(`Cannot use the certificate for ${use}: it is not this node's, or not of its house`);
  }
  for (const use of LEAF_USES) writeWhole(leafFiles(dataDir, use).certificate, leaves[use]);
}

/** Given at promotion to voter. Throws when it is not the key of this house's CA. */
export function holdAuthority(dataDir: string, caKey: string): void {
  const ca = readIfThere(trustFiles(dataDir).ca) ?? "";
  if (!belongTogether(ca, caKey)) throw new Error("Cannot keep the house's key: it does not belong to the house's certificate");
  writeWhole(authorityKeyFile(dataDir), caKey);
}

/** Node ids whose certificates are good for nothing. */
export function removedNodes(dataDir: string): readonly string[] {
  const text = readIfThere(removedFile(dataDir));
  return text === undefined ? [] : (JSON.parse(text) as readonly string[]).filter(isNodeId); // written by this program alone
}

/** Takes over the house's list of removed nodes. It only grows, whatever comes late. Throws when the house did not sign it. */
export async function acceptCrl(dataDir: string, crl: Uint8Array, removed: readonly string[]): Promise<void> {
  const { readCrl } = await import("../adapters/x509/certificates.ts");
  const files = trustFiles(dataDir);
  const serials = new Set(await readCrl(readIfThere(files.ca) ?? "", crl));
  const known = removedNodes(dataDir);
  const missing = [...known, ...removed].find((nodeId) => serialNumbersOf(nodeId).some((serial) => !serials.has(serial)));
  if (missing !== undefined && known.includes(missing)) return; // older than what is here
  if (missing !== undefined) throw new Error(`Cannot use the list of removed nodes: it lacks ${missing}`);
  // etcd first: between the two files a removed node is refused by it already.
  writeWhole(files.crl, crl);
  writeWhole(removedFile(dataDir), JSON.stringify([...new Set([...known, ...removed])]));
}

async function found(dataDir: string, { nowMs = believedMs(Date.now()) }: TrustOptions): Promise<void> {
  const { createAuthority } = await import("../adapters/x509/certificates.ts");
  makePrivateFolder(trustFolder(dataDir));
  const files = trustFiles(dataDir);
  const authority = await createAuthority("Fossora house", nowMs);
  writeWhole(files.ca, authority.certificate);
  writeWhole(authorityKeyFile(dataDir), authority.key);
  writeWhole(removedFile(dataDir), "[]");
  writeWhole(files.crl, authority.crl);
  writeWhole(completeFile(dataDir), "");
}

function leafFiles(dataDir: string, use: LeafUse): LeafFiles {
  const folder = trustFolder(dataDir);
  const key = use === "agent" ? nodeKeyFile(dataDir) : path.join(folder, `${use}.key`);
  return { certificate: path.join(folder, `${use}.crt`), key };
}

function leafKey(dataDir: string, use: LeafUse): string {
  if (use === "agent") loadNodeId(dataDir); // makes the node's key
  const file = leafFiles(dataDir, use).key;
  const stored = readIfThere(file);
  if (stored !== undefined) return stored;
  const made = createKey();
  writeWhole(file, made);
  return made;
}

function trustFolder(dataDir: string): string {
  return path.join(dataDir, "trust");
}

function completeFile(dataDir: string): string {
  return path.join(trustFolder(dataDir), "complete");
}

function removedFile(dataDir: string): string {
  return path.join(trustFolder(dataDir), "removed.json");
}
