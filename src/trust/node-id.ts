// A node's id follows from its public key, so that whoever proves the key in a TLS handshake has proven the id. Pure.
import { createHash } from "node:crypto";
import { base32 } from "../api/base32.ts";

const ID_CHARACTERS = 16;
/** 130 bits: nobody finds another key with the same. */
const HOUSE_HASH_CHARACTERS = 26;

/** 16 characters of base32 (80 bits): SHA-256 of the public key as DER (SubjectPublicKeyInfo). */
export function nodeIdOf(publicKey: Uint8Array): string {
  return base32(keyDigest(publicKey)).slice(0, ID_CHARACTERS);
}

/** What tells one house from another: it stays when the CA's certificate is made anew on the same key. */
export function houseHashOf(authorityKey: Uint8Array): string {
  return base32(keyDigest(authorityKey)).slice(0, HOUSE_HASH_CHARACTERS);
}

export function isNodeId(text: string): boolean {
  return /^[a-z2-7]{16}$/.test(text);
}

export function isHouseHash(text: string): boolean {
  return /^[a-z2-7]{26}$/.test(text);
}

export function keyDigest(publicKey: Uint8Array): Uint8Array {
  return createHash("sha256").update(publicKey).digest();
}
