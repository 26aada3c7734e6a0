import assert from "node:assert/strict";
import { test } from "node:test";
import { findLogin, registryLogin, registryOf } from "./registry-auth.ts";

test("a reference names its registry, or Docker Hub", () => {
  const cases = {
    busybox: "docker.io",
    "busybox:1": "docker.io",
    "jellyfin/jellyfin:10.11": "docker.io",
    "ghcr.io/a/b:1": "ghcr.io",
    "registry.lab:5000/x": "registry.lab:5000",
    "localhost/x": "localhost",
  };
  for (const [reference, registry] of Object.entries(cases)) assert.equal(registryOf(reference), registry, reference);
});

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

test("no configuration file is no login", async () => {
  assert.equal(await registryLogin("busybox", "/nowhere/config.json"), undefined);
});
