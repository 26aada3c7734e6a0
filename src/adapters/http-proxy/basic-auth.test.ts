import assert from "node:assert/strict";
import { scryptSync } from "node:crypto";
import { test } from "node:test";
import { HASH_BYTES, passwordHash, SALT_BYTES, SCRYPT } from "../../api/password.ts";
import { BasicAuth } from "./basic-auth.ts";

test("a password that another route gave to somebody lets nobody in whom this route does not list", async () => {
  const auth = new BasicAuth();
  const salt = Buffer.alloc(SALT_BYTES, "salt");
  const hash = passwordHash(salt.toString("base64"), scryptSync("secret", salt, HASH_BYTES, SCRYPT).toString("base64"));
  const asBob = `Basic ${Buffer.from("bob:secret").toString("base64")}`;
  assert.equal(await auth.check(asBob, [{ user: "bob", hash }]), "let in");
  assert.equal(await auth.check(asBob, [{ user: "ann", hash }]), "refused");
  assert.equal(await auth.check(asBob, [{ user: "bob", hash }]), "let in");
});
