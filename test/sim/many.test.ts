// A computer dies that runs much: what it ran goes elsewhere in one moment, and evenly. On the virtual clock, with a store that has a latency.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Name } from "../../src/api/resource.ts";
import { containerSpec, serviceSpec } from "../fakes/objects.ts";
import { decidedService } from "./convergence.ts";
import { DOWN_AFTER_MS, isDown, Liveness } from "./liveness.ts";
import { realWiring } from "./simulation.ts";
import { World } from "./world.ts";

/** One node after the other would decide that late. */
const RANK_DELAY_MS = 2_000;

async function houseOf(names: readonly Name[], seed: number): Promise<World> {
  const world = new World(seed, realWiring);
  for (const node of ["h1", "h2", "h3"]) world.addNode(node);
  new Liveness(world).start();
  world.setStoreFaults({ latencyMs: 15, eventDelayMs: 10 });
  await world.run(5_000);
  for (const name of names) {
    world.registry.set(`${name}:1`, { pullMs: 100, bytes: 1_000 });
    world.apply("Service", name, serviceSpec(name, "", { containers: [containerSpec(name, `${name}:1`)], failover: { after: "0s" } }));
  }
  assert.ok(await world.until(() => names.every((name) => decidedService(world, name) !== undefined), 60_000));
  await world.run(30_000);
  return world;
}

for (const seed of [1, 2, 3]) {
  test(`sixty apps: a dead computer's go to the two others evenly, and none of them waits for a turn (seed ${seed})`, async () => {
    const names = Array.from({ length: 60 }, (_, index) => `app${index}`);
    const world = await houseOf(names, seed);
    const on = (node: string): readonly Name[] =>
      names.filter((name) => decidedService(world, name)?.instances.some((instance) => instance.node === node));
    assert.ok(on("h2").length >= 10);
    const dead = world.nodes.get("h2");
    assert.ok(dead);
    dead.powerOff();
    assert.ok(await world.until(() => isDown(world, dead), DOWN_AFTER_MS));
    const allMoved = await world.until(() => on("h2").length === 0, RANK_DELAY_MS / 2);
    assert.ok(allMoved, `still there: ${on("h2").join(" ")}`);
    assert.ok(Math.abs(on("h1").length - on("h3").length) <= 4, `${on("h1").length} and ${on("h3").length}`);
    for (const node of world.nodes.values()) node.powerOff();
    await world.time.settle();
  });
}
