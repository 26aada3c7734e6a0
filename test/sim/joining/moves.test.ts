// Computers whose addresses change while they are a house, as with another lease or another router.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Host } from "./host.ts";
import { problems } from "./life.ts";
import { LONG_MS, neighbourhood, theHouse } from "./neighbourhood.ts";
import type { World } from "./world.ts";

/** Voters first. */
function byVote(world: World): readonly Host[] {
  const { voters } = theHouse(world);
  return world.hosts.toSorted((a, b) => Number(votes(b)) - Number(votes(a)));

  function votes({ etcd }: Host): boolean {
    return voters.some(({ id }) => id === etcd?.memberId);
  }
}

function findsItself(world: World): void {
  const cluster = theHouse(world);
  assert(
    world.runUntil(() => problems(world).length === 0, LONG_MS),
    problems(world).join(),
  );
  assert.equal(theHouse(world), cluster);
}

test("a standby finds the only voter of its house at another address", () => {
  const { world } = neighbourhood(2);
  const [voter, standby] = byVote(world);
  assert(voter !== undefined && standby !== undefined);
  voter.moveTo();
  const { voters } = theHouse(world);
  assert(world.runUntil(() => voters[0]?.peerUrl === voter.peerUrl, LONG_MS));
  assert(
    world.runUntil(() => world.isServed(standby, theHouse(world)), LONG_MS),
    "the standby sees nothing of its house",
  );
  findsItself(world);
});

test("a voter and its standby find each other when both have other addresses", () => {
  const { world } = neighbourhood(2);
  for (const host of world.hosts) host.moveTo();
  findsItself(world);
});

test("they do also when they were off meanwhile", () => {
  const { world } = neighbourhood(2);
  for (const host of world.hosts) world.crash(host);
  for (const host of world.hosts) host.moveTo();
  for (const host of world.hosts) world.start(host);
  findsItself(world);
});

test("of three voters two find the one that stayed", () => {
  for (let stayed = 0; stayed < 3; stayed++) {
    const { world } = neighbourhood(3);
    for (const host of world.hosts) if (host.index !== stayed) host.moveTo();
    findsItself(world);
  }
});

test("one computer gets the address of another, which has a new one", () => {
  for (let index = 0; index < 3; index++) {
    const { world } = neighbourhood(3);
    const [host, heir] = [world.hosts[index], world.hosts[(index + 1) % 3]];
    assert(host !== undefined && heir !== undefined);
    const { address } = host;
    host.moveTo();
    heir.moveTo(address);
    findsItself(world);
  }
});
