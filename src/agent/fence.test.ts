import assert from "node:assert/strict";
import { test } from "node:test";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { silentLog } from "../../test/support/real.ts";
import { FENCE_AFTER_MS, KILL_LIMIT_MS } from "../api/fence-times.ts";
import type { FenceTold } from "../api/table.ts";
import { FenceKeeper } from "./fence.ts";

function kept(before?: FenceTold | Promise<FenceTold>) {
  const clock = new VirtualClock(1_000_000);
  const stop = new AbortController();
  const world = {
    contactAtMs: clock.now(),
    writtenAt: 7 as number | undefined,
    losses: 0,
    mirror: { fresh: true, revision: 7 },
    killed: [] as string[],
    asked: [] as string[],
    told: [] as FenceTold[],
    opened: 0,
    ingressIsAway: false,
  };
  const keeper = new FenceKeeper({
    lease: { renewedAtMs: () => world.contactAtMs, losses: () => world.losses, writtenAt: () => world.writtenAt },
    key: "/fossora/nodes/nas",
    mirror: world.mirror,
    kill: (id) => {
      world.asked.push(id);
      return new Promise(() => {}); // an engine that hangs
    },
    killProcesses: (ids) => {
      world.killed.push(...ids);
      return ids.length;
    },
    tellIngress: async (told) => {
      if (world.ingressIsAway) throw new Error("the ingress is away");
      world.told.push(told);
    },
    askIngress: async () => before,
    onOpen: () => (world.opened += 1),
    clock,
    log: silentLog,
  });
  const running = keeper.run(stop.signal);
  const end = async (): Promise<void> => {
    stop.abort(new Error("the test is over"));
    await clock.settle();
    await running;
  };
  /** As the lease keeper does it. */
  const renew = async (ms: number): Promise<void> => {
    for (let left = ms; left > 0; left -= 1_000) {
      world.contactAtMs = clock.now();
      await clock.advance(Math.min(1_000, left));
    }
  };
  return { clock, world, keeper, renew, end };
}

test("with the contact goes what is under it, in time, though the engine hangs", async () => {
  const { clock, world, keeper, renew, end } = kept();
  await renew(5_000);
  keeper.keep("app", ["c1"]);
  await renew(60_000);
  assert.equal(world.killed.length, 0);
  assert.equal(keeper.isOpen, true);
  const lostAtMs = world.contactAtMs;
  await clock.advance(FENCE_AFTER_MS - 1_000 - (clock.now() - lostAtMs));
  assert.equal(world.killed.length, 0);
  await clock.advance(KILL_LIMIT_MS);
  assert.ok(world.killed.includes("c1"));
  assert.ok(world.asked.includes("c1"));
  assert.equal(keeper.isOpen, false);
  await end();
});

test("without contact nothing is admitted, and what comes up late is ended as well", async () => {
  const { clock, world, keeper, renew, end } = kept();
  await renew(5_000);
  await clock.advance(FENCE_AFTER_MS + 1_000);
  const admitted = keeper.admit("app", "c2", new AbortController().signal);
  await assert.rejects(admitted, /lost contact/);
  await clock.advance(5_000);
  assert.ok(world.killed.includes("c2"));
  await end();
});

test("contact alone opens it again only once this node's record is in the store and in its own copy", async () => {
  const { clock, world, keeper, renew, end } = kept();
  await renew(5_000);
  await clock.advance(FENCE_AFTER_MS + 1_000);
  world.writtenAt = undefined;
  await renew(3_000);
  assert.equal(keeper.isOpen, false);
  world.writtenAt = 9;
  await renew(3_000);
  assert.equal(keeper.isOpen, false);
  world.mirror.revision = 9;
  const { opened } = world;
  await renew(3_000);
  assert.equal(keeper.isOpen, true);
  assert.equal(world.opened, opened + 1);
  await end();
});

test("what is admitted is known to the ingress first", async () => {
  const { clock, world, keeper, renew, end } = kept();
  await renew(2_000);
  const admitted = keeper.admit("app", "c1", new AbortController().signal);
  await clock.settle();
  await admitted;
  assert.deepEqual(world.told.at(-1)?.containers, ["c1"]);
  world.ingressIsAway = true;
  await assert.rejects(keeper.admit("app", "c2", new AbortController().signal), /ingress is away/);
  await end();
});

test("an agent that starts goes on from what the ingress knows: an old contact ends what runs, a young one does not", async () => {
  for (const [agoMs, ends] of [
    [5_000, false],
    [FENCE_AFTER_MS + 1_000, true],
  ] as const) {
    const { clock, world, end } = kept({ containers: ["c1"], contactAtMs: 1_000_000 - agoMs });
    world.writtenAt = undefined;
    await clock.advance(1_000);
    assert.equal(world.killed.includes("c1"), ends);
    await end();
  }
});

test("what the agent before it left ends with the contact however long the engine answers nothing", async () => {
  const { clock, world, renew, end } = kept({ containers: ["c1"], contactAtMs: 999_000 });
  await renew(300_000);
  assert.deepEqual([world.killed, world.told.at(-1)?.containers], [[], ["c1"]]);
  await clock.advance(FENCE_AFTER_MS + KILL_LIMIT_MS);
  assert.ok(world.killed.includes("c1"));
  await end();
});

test("what the agent before it left is forgotten once this one has had the time to look at all of it", async () => {
  const { world, keeper, renew, end } = kept({ containers: ["c1"], contactAtMs: 999_000 });
  await renew(300_000);
  keeper.keep("app", []);
  await renew(55_000);
  assert.deepEqual(world.told.at(-1)?.containers, ["c1"]);
  await renew(10_000);
  assert.deepEqual(world.told.at(-1)?.containers, []);
  await end();
});

test("what the agent before it left ends with the contact also where the ingress told of it only once it was open", async () => {
  const answer = Promise.withResolvers<FenceTold>();
  const { clock, world, keeper, renew, end } = kept(answer.promise);
  assert.equal(keeper.isOpen, true);
  answer.resolve({ containers: ["c1"], contactAtMs: 1_000_000 - FENCE_AFTER_MS });
  await renew(5_000);
  assert.deepEqual([world.killed, keeper.isOpen], [[], true]);
  await clock.advance(FENCE_AFTER_MS + KILL_LIMIT_MS);
  assert.ok(world.killed.includes("c1"));
  await end();
});

test("where nothing is under it, the ingress is left alone", async () => {
  const { world, renew, end } = kept();
  await renew(30_000);
  assert.deepEqual(world.told, []);
  await end();
});

test("what the store gave up while this computer's clock stood still is ended at once, and may go on once this node is known again", async () => {
  const { world, keeper, renew, end } = kept();
  await renew(5_000);
  keeper.keep("app", ["c1"]);
  await renew(5_000);
  world.losses = 1;
  world.writtenAt = undefined;
  await renew(1_000);
  assert.deepEqual([world.killed.includes("c1"), world.asked.includes("c1"), keeper.isOpen], [true, true, false]);
  keeper.keep("app", []);
  world.writtenAt = 7;
  await renew(1_000);
  assert.equal(keeper.isOpen, true);
  await end();
});

test("what the agent before it left ends, too, where its own lease is given up before it was known", async () => {
  const { world, renew, end } = kept({ containers: ["c1"], contactAtMs: 999_000 });
  world.writtenAt = undefined;
  await renew(1_000);
  world.losses = 1;
  await renew(1_000);
  assert.ok(world.killed.includes("c1"));
  await end();
});
