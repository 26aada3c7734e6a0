import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { test } from "node:test";
import { findLogin, helperOf, registryLogin } from "./registry-auth.ts";

const auth = Buffer.from("me:pass:word").toString("base64");
const config = JSON.stringify({
  auths: {
    "https://index.docker.io/v1/": { auth },
    "ghcr.io": { auth },
    "https://registry.lab:5000/v2/": { auth },
    "kept.elsewhere": {},
    broken: { auth: "===" },
  },
});

test("a login is found however Docker wrote its address", () => {
  for (const registry of ["docker.io", "ghcr.io", "registry.lab:5000"]) {
    const login = findLogin(registry, config);
    assert.deepEqual([login?.username, login?.password], ["me", "pass:word"], registry);
  }
});

test("without a usable login the pull is tried without one", () => {
  for (const registry of ["quay.io", "kept.elsewhere", "broken"]) assert.equal(findLogin(registry, config), undefined, registry);
  for (const text of ["", "{}", "not json", "null"]) assert.equal(findLogin("docker.io", text), undefined, text);
});

test("a login that a helper of Docker's keeps is not read, and what names the helper is said", async (t) => {
  assert.equal(helperOf("ghcr.io", JSON.stringify({ credHelpers: { "ghcr.io": "pass" } })), "credHelpers");
  assert.equal(helperOf("docker.io", JSON.stringify({ credHelpers: { "https://index.docker.io/v1/": "pass" } })), "credHelpers");
  assert.equal(helperOf("quay.io", JSON.stringify({ credHelpers: { "ghcr.io": "pass" } })), undefined);
  assert.equal(helperOf("quay.io", JSON.stringify({ credsStore: "desktop" })), "credsStore");

  const folder = mkdtempSync(path.join(tmpdir(), "docker-config-"));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = path.join(folder, "config.json");
  writeFileSync(file, JSON.stringify({ auths: { "quay.io": {}, "ghcr.io": { auth } }, credsStore: "desktop" }));
  assert.deepEqual(await registryLogin("quay.io/x:1", file), {
    elsewhere: `${file} leaves its login to credsStore, which is not asked: remove that there`,
  });
  assert.equal((await registryLogin("ghcr.io/x:1", file)).login?.username, "me"); // written by hand, or before
});

test("no configuration file is no login", async () => {
  assert.deepEqual(await registryLogin("busybox", "/nowhere/config.json"), {});
});
