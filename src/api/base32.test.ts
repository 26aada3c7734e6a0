import assert from "node:assert/strict";
import { test } from "node:test";
import { base32, bytesOfBase32 } from "./base32.ts";

test("base32 is that of RFC 4648", () => {
  assert.equal(base32(Buffer.from("foobar")), "mzxw6ytboi");
  assert.equal(base32(Buffer.from("fooba")), "mzxw6ytb");
  assert.equal(base32(Buffer.from("f")), "my");
});

test("what was made of bytes is read back, and nothing else", () => {
  for (const bytes of [[], [0], [255, 1], [1, 2, 3, 4, 5, 6, 7]])
    assert.deepEqual([...(bytesOfBase32(base32(Uint8Array.from(bytes))) ?? [9])], bytes);
  for (const text of ["a", "m1", "mz", "MY"]) assert.equal(bytesOfBase32(text), undefined, text);
});
