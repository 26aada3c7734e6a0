import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import type { MeshPeer } from "../mesh-ports.ts";
import { ApiError } from "../server/api-error.ts";
import type { Inside } from "./joining/inside.ts";
import type { Seen } from "./joining/seen.ts";
import { wantedHouse } from "./joining/wish.ts";
import { isThere, untilSeen } from "./join-checks.ts";

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

test("an empty house is given up for the one that the token names, and for no other at its addresses", async () => {
  const token = { houseHash: "theirs", id: "1", secret: "s", addresses: ["10.0.0.2:733"] };
  const met = (hash: string) => ({
    meet: async () => ({ house: { hash } }) as MeshPeer, // all that is looked at
    seen: { house: { id: "own" } } as Seen,
  });
  const asked = wantedHouse({ addresses: ["nas"], token });
  assert.equal(await isThere(asked, met("theirs")), false);
  assert.equal(await isThere(asked, met("own")), true);
  const isRefusal = (error: unknown): boolean => error instanceof ApiError && error.status.reason === "Conflict";
  await assert.rejects(isThere(asked, met("other")), isRefusal);
  assert.equal(await isThere(wantedHouse({ addresses: ["nas"] }), met("other")), false);
});
