import assert from "node:assert/strict";
import { test } from "node:test";
import { parsePasswordHash, passwordHash } from "./password.ts";

const salt = "c2FsdHNhbHRzYWx0c2E=";
const hash = "aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g=";

test("a password's hash is read as it is written", () => {
  assert.deepEqual(parsePasswordHash(passwordHash(salt, hash)), { salt, hash });
});

test("what is no hash, or too short to be one, is none", () => {
  for (const text of [
    "secret",
    "scrypt:",
    `scrypt:${salt}:`,
    `scrypt:a:${hash}`,
    `scrypt:${salt}:YWJj`,
    `bcrypt:${salt}:${hash}`,
    `scrypt:${salt}:${hash} `,
  ])
    assert.equal(parsePasswordHash(text), undefined, text);
});
