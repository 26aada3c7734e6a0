// Short, stable fingerprints of values: spec hashes and instance ids. Against chance, not against malice. Pure.

const BASE32 = "abcdefghijklmnopqrstuvwxyz234567";
/** Part of every spec hash: raised when the way a spec becomes containers changes so much that all must restart. */
const SPEC_HASH_VERSION = 1;

/** JSON with sorted keys and without absent fields, so that equal values have equal texts. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, item: unknown) => (isPlainObject(item) ? sorted(item) : item)) ?? "null";
}

/** 16 characters of base32 (80 bits) by cyrb53 (bryc, public domain), run twice. */
export function hash(text: string): string {
  return base32(cyrb53(text, 1), 8) + base32(cyrb53(text, 2), 8);
}

/** Of a stored spec or a part of it, before `${...}` is filled in: a node that joins restarts nothing. */
export function specHash(spec: unknown): string {
  return hash(`${SPEC_HASH_VERSION}:${canonicalJson(spec)}`);
}

/** The four characters that tell instances of a Service apart: the same seed gives the same id on every node. */
export function instanceId(service: string, uid: string, serial: number): string {
  return hash(`${service}/${uid}/${serial}`).slice(0, 4);
}

function cyrb53(text: string, seed: number): number {
  let high = 0xdeadbeef ^ seed;
  let low = 0x41c6ce57 ^ seed;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    high = Math.imul(high ^ code, 2654435761);
    low = Math.imul(low ^ code, 1597334677);
  }
  high = Math.imul(high ^ (high >>> 16), 2246822507) ^ Math.imul(low ^ (low >>> 13), 3266489909);
  low = Math.imul(low ^ (low >>> 16), 2246822507) ^ Math.imul(high ^ (high >>> 13), 3266489909);
  return 4294967296 * (2097151 & low) + (high >>> 0);
}

function base32(value: number, length: number): string {
  let rest = value;
  let text = "";
  for (let index = 0; index < length; index++) {
    text += BASE32[rest % 32];
    rest = Math.floor(rest / 32);
  }
  return text;
}

function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function sorted(object: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.keys(object)
      .sort()
      .map((key) => [key, object[key]]),
  );
}
