import assert from "node:assert/strict";
import { test } from "node:test";
import type { Ports } from "../../src/engine/contract.ts";
import { noteUntagged, untaggedImages, withoutRunning } from "./pulled-images.ts";

test("an image that lost its tag to a pull is told until the house knows, and only if Fossora pulled it", () => {
  const forgotten: string[] = [];
  const jobs = { get: () => undefined, start: () => {}, forget: (key: string) => forgotten.push(key) };
  const ports = { containers: {} as Ports["containers"], jobs }; // its identity alone counts
  noteUntagged("app", { before: undefined, after: "sha256:2" }, ports);
  noteUntagged("app", { before: "sha256:2", after: "sha256:2" }, ports);
  assert.deepEqual(untaggedImages("app", undefined, ports), []);
  noteUntagged("app", { before: "sha256:1", after: "sha256:2" }, ports);
  assert.deepEqual(forgotten, ["remove image sha256:1"]);
  assert.deepEqual([untaggedImages("app", undefined, ports), untaggedImages("db", undefined, ports)], [["sha256:1"], []]);
  const told = { bootId: "boot-nas", instances: [], pulled: ["app:1", "sha256:1"] };
  assert.deepEqual([untaggedImages("app", told, ports), untaggedImages("app", undefined, ports)], [[], []]);
});

test("an image without a tag stays while a container is made of it, and one with a tag is Docker's to judge", () => {
  const containers = [{ imageId: "sha256:1" }];
  assert.deepEqual(withoutRunning(["app:1", "sha256:1", "sha256:2"], containers), ["app:1", "sha256:2"]);
});
