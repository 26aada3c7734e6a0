import assert from "node:assert/strict";
import { test } from "node:test";
import { houseSettings } from "./house-settings.ts";

test("a House that says nothing lets trusted computers in and replaces a voter after ten minutes", () => {
  const usual = { joining: "auto", replaceAfterMs: 600_000, tailnet: { tags: [] } };
  assert.deepEqual(houseSettings(), usual);
  assert.deepEqual(houseSettings({ zone: "home.internal" }), usual);
});

test("what the House says counts", () => {
  assert.deepEqual(houseSettings({ zone: "home.internal", joining: "off", replaceAfter: "1m30s", tailnet: { tags: ["tag:nas"] } }), {
    joining: "off",
    replaceAfterMs: 90_000,
    tailnet: { tags: ["tag:nas"] },
  });
});
