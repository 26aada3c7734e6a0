import assert from "node:assert/strict";
import { test } from "node:test";
import { OwnPlace } from "./own-place.ts";

test("a node that was away lives once its house lists it, or where nobody answers", async () => {
  const listed = new OwnPlace({ isNew: false });
  listed.seen(true);
  assert.equal(await listed.isOwn, true);
  const unanswered = new OwnPlace({ isNew: false });
  unanswered.notSeen();
  assert.equal(await unanswered.isOwn, true);
});

test("one that its house does not list lives once it does, and not because nobody answers after that", async () => {
  const place = new OwnPlace({ isNew: false });
  place.seen(false);
  place.notSeen();
  let isOwn: boolean | undefined;
  const told = place.isOwn.then((is) => (isOwn = is));
  await Promise.resolve();
  assert.equal(isOwn, undefined);
  place.seen(true);
  assert.equal(await told, true);
});

test("one that leaves before that never lives", async () => {
  const place = new OwnPlace({ isNew: false });
  place.seen(false);
  place.close();
  assert.equal(await place.isOwn, false);
});

test("a newcomer lives at once: its house writes it down in a moment", async () => {
  assert.equal(await new OwnPlace({ isNew: true }).isOwn, true);
});
