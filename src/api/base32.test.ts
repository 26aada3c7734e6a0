import assert from "node:assert/strict";
import { test } from "node:test";
import { base32 } from "./base32.ts";

test("base32 is that of RFC 4648", () => {
  assert.equal(base32(Buffer.from("foobar")), "mzxw6ytboi");
  assert.equal(base32(Buffer.from("fooba")), "mzxw6ytb");
  assert.equal(base32(Buffer.from("f")), "my");
});
