import assert from "node:assert/strict";
import { test } from "node:test";
import { FENCE_AFTER_MS, START_WITHIN_MS } from "../api/fence-times.ts";
import { contactToPassOn, ended, mayStart, newFence, withContact } from "./fence.ts";

const known = (atMs: number | undefined) => ({ atMs, losses: 0, isKnown: true });
const unknown = (atMs: number | undefined) => ({ atMs, losses: 0, isKnown: false });

test("it closes when the last contact is too old, to the millisecond", () => {
  const open = withContact(newFence(0), known(1_000), 1_100);
  assert.equal(open.state, "open");
  assert.equal(withContact(open, unknown(1_000), 1_000 + FENCE_AFTER_MS - 1).state, "open");
  assert.equal(withContact(open, known(1_000), 1_000 + FENCE_AFTER_MS).state, "closed");
});

test("after sleep it is closed at once", () => {
  assert.equal(withContact(withContact(newFence(0), known(0), 0), known(0), 3_600_000).state, "closed");
});

test("once closed, contact alone does not open it: the house has to know of this node first", () => {
  const closed = ended(withContact(newFence(0), unknown(0), FENCE_AFTER_MS));
  const heard = withContact(closed, unknown(FENCE_AFTER_MS), FENCE_AFTER_MS + 1);
  assert.equal(heard.state, "closed");
  assert.equal(withContact(heard, known(FENCE_AFTER_MS), FENCE_AFTER_MS + 2).state, "open");
});

test("an agent that starts again ends nothing while the contact before it is young, and starts nothing before it has its own", () => {
  const began = newFence(5_000);
  assert.equal(withContact(began, unknown(undefined), 5_000 + FENCE_AFTER_MS - 1).state, "beginning");
  assert.equal(mayStart(began, unknown(undefined), 5_001), false);
  assert.equal(withContact(began, unknown(undefined), 5_000 + FENCE_AFTER_MS).state, "closed");
});

test("nothing is started on an old contact, nor while this node's copy of the house is behind", () => {
  const open = withContact(newFence(0), known(1_000), 1_000);
  assert.equal(mayStart(open, known(1_000), 1_000 + START_WITHIN_MS - 1), true);
  assert.equal(mayStart(open, known(1_000), 1_000 + START_WITHIN_MS), false);
  assert.equal(mayStart(open, unknown(1_000), 1_001), false);
});

test("an older contact than the one that is known changes nothing", () => {
  const open = withContact(newFence(0), known(1_000), 1_000);
  assert.equal(withContact(open, known(500), 1_000), open);
});

test("what is passed on is as old as the older of what it rests on, and nothing of one that is Down", () => {
  const heard = { renewedAtMs: 1_000, answeredAtMs: 3_000, isDown: false };
  assert.equal(contactToPassOn(heard), 1_000);
  assert.equal(contactToPassOn({ ...heard, isDown: true }), undefined);
  assert.equal(contactToPassOn({ ...heard, renewedAtMs: undefined }), undefined);
});

test("contact that is back before anybody saw that it was lost opens nothing until what ran is ended", () => {
  const open = withContact(newFence(0), known(1_000), 1_000);
  const woken = withContact(open, known(3_600_000), 3_600_001);
  assert.deepEqual([woken.state, woken.isDue], ["closed", true]);
  assert.equal(withContact(woken, known(3_600_010), 3_600_020).state, "closed");
  assert.equal(withContact(ended(woken), known(3_600_010), 3_600_020).state, "open");
});

test("who was given up ends what ran, however young its contact seems by a clock that stood still, and opens once what ran is ended", () => {
  const open = withContact(newFence(0), known(1_000), 1_000);
  const given = withContact(open, { ...known(1_500), losses: 1 }, 1_600);
  assert.deepEqual([given.state, given.isDue], ["closed", true]);
  assert.equal(withContact(given, { ...known(1_700), losses: 1 }, 1_800).state, "closed");
  assert.equal(withContact(ended(given), { ...unknown(1_700), losses: 1 }, 1_800).state, "closed");
  const again = withContact(ended(given), { ...known(1_700), losses: 1 }, 1_800);
  assert.deepEqual([again.state, again.isDue], ["open", false]);
});
