// A node that was taken out of a house with apps while it was away, and finds nobody of it when it returns.
import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../../src/api/keys.ts";
import type { Cluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { houses, problems } from "./life.ts";
import { realParts, type Parts } from "./parts.ts";
import { World } from "./world.ts";

const FITNESS = { link: "wired", battery: false, fsyncP99Ms: 3 } as const;
const LONG_MS = 300_000;

interface TakenOut {
  readonly world: World;
  readonly lines: readonly string[];
  readonly house: Cluster;
  readonly replaced: Host;
}

/** A standby took its vote while it was off; it is back, and as far as `until` says. */
function takenOut(until: (replaced: Host, house: Cluster) => boolean, parts: Partial<Parts> = {}): TakenOut {
  const world = new World(7, { ...realParts, ...parts });
  const lines: string[] = [];
  world.tell = (line) => lines.push(line);
  for (let index = 0; index < 4; index++) world.start(world.addHost("ours", FITNESS));
  assert(world.runUntil(() => problems(world).length === 0, LONG_MS));
  const [house] = houses(world);
  assert(house !== undefined);
  house.hasObjects = true;
  world.run(5_000);
  const replaced = world.hosts.find((host) => house.voters.some(({ id }) => id === host.etcd?.memberId));
  assert(replaced !== undefined);
  const id = replaced.disk.data?.memberId ?? "";
  world.crash(replaced);
  assert(world.runUntil(() => house.member(id) === undefined && house.voters.length === 3, LONG_MS));
  world.start(replaced);
  for (let steps = 0; !until(replaced, house) && steps < 60_000; steps++) world.run(1);
  assert(until(replaced, house));
  return { world, lines, house, replaced };
}

const looks = (host: Host): boolean => host.agent?.joiner.phase.kind === "looking";
const isQueued = ({ disk }: Host, house: Cluster): boolean => house.store.has(keys.queued(disk.nodeId));

function othersLosePower({ world, replaced }: TakenOut): readonly Host[] {
  const others = world.hosts.filter((host) => host !== replaced);
  for (const host of others) world.crash(host);
  world.run(120_000);
  return others;
}

for (const [when, until] of [
  ["before it has asked anybody", looks],
  ["while it is in the queue", isQueued],
] as const)
  test(`waits for its house, and comes in when that is back, where the others lose their power ${when}`, () => {
    const { world, lines, house, replaced } = takenOut(until);
    const others = othersLosePower({ world, lines, house, replaced });
    assert(looks(replaced));
    assert(lines.some((line) => line.includes(` ${replaced.name} `) && line.includes("this node waits for it")));
    for (const host of others) world.start(host);
    assert(
      world.runUntil(() => problems(world).length === 0, LONG_MS),
      problems(world).join(),
    );
    assert.deepEqual(houses(world), [house]);
  });

test("founds another beside its own where it does not know that it has one, and the simulator says so", () => {
  const forgetsItsHome: Parts["step"] = (joiner, event, { home: _, ...here }) => realParts.step(joiner, event, here);
  assert.throws(
    () => othersLosePower(takenOut(looks, { step: forgetsItsHome })),
    /founds a house although house1, with its apps, is its own/,
  );
});
