import assert from "node:assert/strict";
import { test } from "node:test";
import { registryOf } from "./image-registry.ts";

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
