import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import type { Inside } from "./joining/inside.ts";
import { untilSeen } from "./join-checks.ts";

const { signal } = new AbortController();
const inside = (isUnseen: boolean): Inside => ({ sight: { isUnseen } }) as Inside; // all that is looked at

test("who asks a moment after the founding waits until the house has been read", async () => {
  const clock = new VirtualClock();
  let seen = inside(true);
  let isOver = false;
  const waiting = untilSeen(() => seen, clock, signal).then(() => (isOver = true));
  await clock.advance(2_000);
  assert.equal(isOver, false);
  seen = inside(false);
  await clock.advance(200);
  await waiting;
});

test("nobody waits without a house, nor for ever", async () => {
  const clock = new VirtualClock();
  await untilSeen(() => undefined, clock, signal);
  const waiting = untilSeen(() => inside(true), clock, signal);
  await clock.advance(11_000);
  await waiting;
});
