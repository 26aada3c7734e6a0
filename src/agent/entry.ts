// How a newcomer comes by the trust of the house that admits it: a letter that any member can write, and leaves that one who can sign gives
// for the newcomer's own keys. No key travels.
import { readFileSync } from "node:fs";
import { certifiedKeyOf } from "../adapters/x509/read.ts";
import type { MeshLink } from "../mesh-ports.ts";
import { LEAF_USES } from "../trust/leaves.ts";
import { houseHashOf, isNodeId } from "../trust/node-id.ts";
import { acceptHouse, leavesWanted, removedNodes, trustFiles, type HouseGift } from "./trust.ts";

/** Of the house, and no secret. */
export interface HouseLetter {
  /** PEM. */
  readonly ca: string;
  /** DER, as base64. */
  readonly crl: string;
  /** Node ids. */
  readonly removed: readonly string[];
}

/** By a member. */
export function writeLetter(dataDir: string): HouseLetter {
  const { ca, crl } = trustFiles(dataDir);
  return { ca: readFileSync(ca, "utf8"), crl: readFileSync(crl, "base64"), removed: removedNodes(dataDir) };
}

/**
 * By the newcomer, once it is admitted: asks for its leaves and keeps everything. `houseHash` is of the house that it asked to join, and
 * `link` leads to a node that can sign and knows that this one is admitted. Throws when the letter is another house's.
 */
export async function enterHouse(
  dataDir: string,
  letter: unknown,
  options: { readonly houseHash: string; readonly addresses: readonly string[]; readonly limitMs: number },
  link: MeshLink,
): Promise<void> {
  const { ca, crl, removed } = readLetter(letter);
  if (houseHashOf(certifiedKeyOf(ca)) !== options.houseHash || link.peer.house?.hash !== options.houseHash)
    throw new Error("Cannot enter the house: its certificate is another one than that of the house which was asked");
  const leaves = await link.request("renew", leavesWanted(dataDir, options.addresses), { limitMs: options.limitMs });
  acceptHouse(dataDir, { ca, crl: Buffer.from(crl, "base64"), removed, leaves: readLeaves(leaves) });
}

function readLetter(letter: unknown): HouseLetter {
  const { ca, crl, removed } = (letter ?? {}) as Partial<Record<keyof HouseLetter, unknown>>; // looked at below
  const ids = Array.isArray(removed) ? (removed as readonly unknown[]) : undefined;
  if (typeof ca !== "string" || typeof crl !== "string" || !ids?.every((id) => typeof id === "string" && isNodeId(id)))
    throw new Error("Cannot enter the house: its letter is not whole");
  return { ca, crl, removed: ids as readonly string[] }; // each was checked
}

function readLeaves(leaves: unknown): HouseGift["leaves"] {
  const found = (leaves ?? {}) as Readonly<Record<string, unknown>>; // looked at in the next line
  if (!LEAF_USES.every((use) => typeof found[use] === "string")) throw new Error("Cannot enter the house: a certificate is missing");
  return found as HouseGift["leaves"]; // checked in the line above
}
