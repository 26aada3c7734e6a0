// How a password's hash is written in a manifest: `scrypt:<salt>:<hash>`, both in base64. Pure; who makes and checks it has node:crypto.

/** scrypt's own parameters: 16 MiB and some 50 ms for each guess. */
export const SCRYPT = { N: 16_384, r: 8, p: 1 } as const;
export const SALT_BYTES = 16;
export const HASH_BYTES = 32;

const WRITTEN = /^scrypt:([A-Za-z0-9+/]{8,}={0,2}):([A-Za-z0-9+/]{22,}={0,2})$/;

/** Base64 of each part; undefined: it is no such hash. */
export function parsePasswordHash(text: string): { readonly salt: string; readonly hash: string } | undefined {
  const [, salt, hash] = WRITTEN.exec(text) ?? [];
  return salt === undefined || hash === undefined ? undefined : { salt, hash };
}

export function passwordHash(salt: string, hash: string): string {
  return `scrypt:${salt}:${hash}`;
}
