import assert from "node:assert/strict";
import { test } from "node:test";
import { isFor } from "./platform.ts";

test("an image is for a platform by its processor, and for whoever asks for none", () => {
  const image = { id: "", digests: [], tags: [], arch: "arm64", hasHealthcheck: false, exposedTcpPorts: [], bytes: 0 };
  assert.deepEqual(
    [undefined, "linux/arm64", "linux/arm64/v8", "linux/aarch64", "linux/arm", "linux/amd64"].map((platform) => isFor(platform, image)),
    [true, true, true, true, false, false],
  );
  assert.ok(isFor("linux/x86_64", { ...image, arch: "amd64" }), "as Docker takes it, too");
});
