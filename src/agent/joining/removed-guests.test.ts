import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../../test/fakes/clock.ts";
import { RemovedGuests } from "./removed-guests.ts";

function guestsOf(house: { removed: number; outsiders: readonly string[] | undefined }) {
  const clock = new VirtualClock();
  return { clock, guests: new RemovedGuests({ removed: () => house.removed, outsiders: () => house.outsiders, clock }) };
}

test("who is there from nobody's address is sent away once for each removal, and without one never", () => {
  const house = { removed: 0, outsiders: ["192.168.1.9"] };
  const { guests } = guestsOf(house);
  assert.equal(guests.mayBeThere(), false);
  house.removed = 1;
  assert.equal(guests.mayBeThere(), true);
  const isOut = guests.seeOut();
  assert.equal(guests.mayBeThere(), true, "the store has not started anew yet");
  isOut();
  assert.equal(guests.mayBeThere(), false);
  house.removed = 2;
  assert.equal(guests.mayBeThere(), true);
});

test("who is removed while the store starts anew may have been there before", () => {
  const house = { removed: 1, outsiders: ["192.168.1.9"] };
  const { guests } = guestsOf(house);
  const isOut = guests.seeOut();
  house.removed = 2;
  isOut();
  assert.equal(guests.mayBeThere(), true);
});

test("where nobody was for a while, whoever comes later is not looked at", async () => {
  const house: { removed: number; outsiders: readonly string[] | undefined } = { removed: 1, outsiders: undefined };
  const { guests, clock } = guestsOf(house);
  assert.equal(guests.mayBeThere(), false);
  await clock.advance(60_000);
  house.outsiders = [];
  assert.equal(guests.mayBeThere(), false);
  house.outsiders = ["192.168.1.9"];
  assert.equal(guests.mayBeThere(), true, "nothing was known before");
  house.outsiders = [];
  assert.equal(guests.mayBeThere(), false);
  await clock.advance(30_000);
  assert.equal(guests.mayBeThere(), false);
  house.outsiders = ["192.168.1.9"];
  assert.equal(guests.mayBeThere(), false);
});
