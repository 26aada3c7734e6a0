import assert from "node:assert/strict";
import { test } from "node:test";
import { serviceSpec } from "../../test/fakes/objects.ts";
import { changedSpec, type Revision, type RolloutChange } from "./rollout-change.ts";

const now = "2026-01-31T12:00:00Z";
const revision = (generation: number, image: string, paused?: true): Revision => {
  const spec = serviceSpec("app", image);
  return { generation, spec: { ...spec, update: { ...spec.update, ...(paused && { paused }) } } };
};
const history = [revision(1, "app:1"), revision(2, "app:2"), revision(3, "app:2", true), revision(4, "app:3")];
const change = (current: Revision, what: RolloutChange) => changedSpec(current, what, { history, now });
const imageOf = (spec: Revision["spec"] | undefined): string | undefined => spec?.containers[0]?.image;

test("a pause stands in the spec until it is resumed, and a restart is a moment in it", () => {
  const current = revision(4, "app:3");
  const paused = change(current, { action: "pause" });
  assert.equal(paused?.update.paused, true);
  assert.deepEqual(change({ generation: 5, spec: paused }, { action: "resume" }), current.spec);
  assert.equal(change(current, { action: "restart" })?.update.restartedAt, now);
  assert.equal(imageOf(change(current, { action: "restart" })), "app:3");
});

test("undo goes back to the newest that was another, and what it goes back to is not paused", () => {
  const undone = change(revision(4, "app:3"), { action: "undo" });
  assert.deepEqual([imageOf(undone), undone?.update.paused], ["app:2", undefined]);
  // A restart or a pause since is no other spec.
  assert.equal(imageOf(change(revision(3, "app:2", true), { action: "undo" })), "app:1");
  assert.equal(imageOf(change(revision(4, "app:3"), { action: "undo", to: 1 })), "app:1");
});

test("without an earlier one, or the one asked for, there is nothing to go back to", () => {
  assert.equal(change(revision(1, "app:1"), { action: "undo" }), undefined);
  assert.equal(change(revision(4, "app:3"), { action: "undo", to: 9 }), undefined);
});
