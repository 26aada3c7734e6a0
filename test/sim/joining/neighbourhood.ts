// A neighbourhood without any fault, for one case at a time.
import assert from "node:assert/strict";
import type { Cluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { houses, problems } from "./life.ts";
import { realParts } from "./parts.ts";
import { World } from "./world.ts";

export const FITNESS = { link: "wired", battery: false, fsyncP99Ms: 3 } as const;
export const LONG_MS = 300_000;

export interface Neighbourhood {
  readonly world: World;
  readonly lines: string[];
}

/** Computers that are all on, and have become what they should be. */
export function neighbourhood(size: number, { start = true }: { readonly start?: boolean } = {}): Neighbourhood {
  const world = new World(7, realParts);
  const lines: string[] = [];
  world.tell = (line) => lines.push(line);
  for (let index = 0; index < size; index++) world.addHost("ours", FITNESS);
  if (start) for (const host of world.hosts) world.start(host);
  if (start)
    assert(
      world.runUntil(() => problems(world).length === 0, LONG_MS),
      problems(world).join(),
    );
  return { world, lines };
}

export function newcomer(world: World): Host {
  const host = world.addHost("ours", FITNESS);
  world.start(host);
  return host;
}

export function theHouse(world: World): Cluster {
  const [cluster, ...others] = houses(world);
  assert(cluster !== undefined && others.length === 0, `${others.length + 1} houses`);
  return cluster;
}
