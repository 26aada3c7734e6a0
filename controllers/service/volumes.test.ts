import assert from "node:assert/strict";
import { test } from "node:test";
import { decided } from "../../test/fakes/facts.ts";
import { serviceSpec } from "../../test/fakes/objects.ts";
import { readVolume, withMade } from "./volumes.ts";

const volume = { node: "nas", uid: "u", made: false };

test("readVolume() is what was decided, or nothing", () => {
  assert.deepEqual(readVolume({ value: JSON.stringify(volume) }), volume);
  assert.equal(readVolume(undefined), undefined);
});

test("withMade() marks a Volume, and in a Service only those that were made", () => {
  assert.deepEqual(JSON.parse(withMade(JSON.stringify(volume), ["a"])), { ...volume, made: true });
  const service = decided("app", serviceSpec("app", "app:1"), [], { volumes: { a: volume, b: volume } });
  assert.deepEqual(JSON.parse(withMade(JSON.stringify(service), ["a"])), {
    ...service,
    volumes: { a: { ...volume, made: true }, b: volume },
  });
});
