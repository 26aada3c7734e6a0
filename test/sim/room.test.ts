// Apps wait for room in a house that is full: what goes makes room for as many as fit, within seconds, and no computer takes two of them for one.
// On the virtual clock, with a store that has a latency.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { Name } from "../../src/api/resource.ts";
import { containerSpec, serviceSpec } from "../fakes/objects.ts";
import { decidedService } from "./convergence.ts";
import { Liveness } from "./liveness.ts";
import { realWiring } from "./simulation.ts";
import { World } from "./world.ts";

const NAMES: readonly Name[] = Array.from({ length: 12 }, (_, index) => `app${index}`);
/** Two of them fill a computer of 8 GiB. */
const MEMORY = "3Gi";
const SOON_MS = 5_000;

for (const seed of [1, 2, 3]) {
  test(`room that is given up is had within seconds, and once (seed ${seed})`, async () => {
    const world = new World(seed, realWiring);
    for (const node of ["h1", "h2", "h3"]) world.addNode(node);
    new Liveness(world).start();
    world.setStoreFaults({ latencyMs: 15, eventDelayMs: 100 });
    await world.run(5_000);
    for (const name of NAMES) {
      world.registry.set(`${name}:1`, { pullMs: 100, bytes: 1_000 });
      world.apply(
        "Service",
        name,
        serviceSpec(name, "", { containers: [containerSpec(name, `${name}:1`, { resources: { memory: MEMORY } })] }),
      );
      await world.run(1_000);
    }
    const placed = (): readonly string[] => NAMES.flatMap((name) => decidedService(world, name)?.instances.map(({ node }) => node) ?? []);
    const fullest = (): number => Math.max(...["h1", "h2", "h3"].map((host) => placed().filter((node) => node === host).length));
    await world.run(60_000);
    assert.deepEqual([placed().length, fullest()], [6, 2]);
    const gone = NAMES.filter((name) => (decidedService(world, name)?.instances.length ?? 0) > 0).slice(0, 2);
    for (const name of gone) world.delete("Service", name);
    await world.run(SOON_MS);
    const heirs = NAMES.filter((name) => !gone.includes(name) && (decidedService(world, name)?.instances.length ?? 0) > 0);
    assert.deepEqual([heirs.length, fullest()], [6, 2]);
    await world.run(60_000);
    assert.deepEqual([placed().length, fullest()], [6, 2]);
    for (const node of world.nodes.values()) node.powerOff();
    await world.time.settle();
  });
}
