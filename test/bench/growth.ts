// How the work of the control plane grows with the house, on fakes and virtual time: one change must cost the same in a house of 10
// Services and of 1,000, and memory must grow in a straight line. Prints a table; `growth.test.ts` asserts the counted part.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Kind, Resource } from "../../src/api/resource.ts";
import type { Seen } from "../../src/engine/contract.ts";
import { StoreMirror } from "../../src/engine/mirror.ts";
import type { Runnable } from "../../src/engine/runnable.ts";
import { containerSpec, serviceSpec } from "../fakes/objects.ts";
import { differences } from "../sim/convergence.ts";
import { realWiring } from "../sim/simulation.ts";
import { World } from "../sim/world.ts";

/** What one change of one Service cost the whole house. */
export interface Growth {
  readonly services: number;
  /** How often a name was looked at, on all nodes. */
  readonly looks: number;
  /** Rows of the mirror that were walked over, on all nodes. */
  readonly rows: number;
  readonly writes: number;
  readonly dockerCalls: number;
  /** Beyond what the same time costs at rest. */
  readonly cpuMs: number;
  /** Of the whole house: every node's mirror and engine, and the fakes. */
  readonly heapBytes: number;
}

interface Counts {
  looks: number;
  rows: number;
}

const CHANGES = 5;
/** Enough for one change; a house that is set up takes several. */
const SETTLE_MS = 30_000;
const SETTLES_MAX = 20;

export async function growth(options: { readonly services: number; readonly nodes: number }): Promise<Growth> {
  const counts: Counts = { looks: 0, rows: 0 };
  const world = new World(1, {
    ...realWiring,
    controllers: () => realWiring.controllers().map((controller) => counted(controller, counts)),
    mirror: (mirrorOptions) => new CountingMirror(mirrorOptions, counts),
  });
  for (let node = 0; node < options.nodes; node++) world.addNode(`n${node}`);
  for (let index = 0; index < options.services; index++) applyService(world, index, "1");
  await converged(world, counts);
  world.etcd.compact();
  const before = { ...counts, revision: world.etcd.revision, changes: world.changes };
  const idleMs = await cpuOf(world);
  let cpuMs = 0;
  for (let change = 0; change < CHANGES; change++) {
    applyService(world, Math.floor((change * options.services) / CHANGES), "2");
    cpuMs += (await cpuOf(world)) - idleMs;
    await converged(world, counts);
  }
  const heapBytes = await heapUsed();
  const writes = world.etcd.revision - before.revision;
  for (const node of world.nodes.values()) node.powerOff();
  await world.time.settle();
  return {
    services: options.services,
    looks: (counts.looks - before.looks) / CHANGES,
    rows: (counts.rows - before.rows) / CHANGES,
    writes: writes / CHANGES,
    dockerCalls: (world.changes - before.changes - writes) / CHANGES,
    cpuMs: cpuMs / CHANGES,
    heapBytes,
  };
}

/** Of `SETTLE_MS` of the house's time, ms. */
async function cpuOf(world: World): Promise<number> {
  const began = process.cpuUsage();
  await world.run(SETTLE_MS);
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}

function applyService(world: World, index: number, tag: string): void {
  const name = `app-${index}`;
  const image = `app:${tag}`;
  world.registry.set(image, { pullMs: 500 });
  // Small enough that a node holds as many as the largest house asks for.
  world.apply("Service", name, serviceSpec(name, image, { containers: [{ ...containerSpec(name, image), resources: { memory: "1Mi" } }] }));
}

/** What the check itself reads from the mirrors is not the house's work. */
async function converged(world: World, counts: Counts): Promise<void> {
  const left = (): readonly string[] => {
    const before = { ...counts };
    const found = differences(world);
    Object.assign(counts, before);
    return found;
  };
  for (let settled = 0; settled < SETTLES_MAX; settled++) {
    if (left().length === 0) return;
    await world.run(SETTLE_MS);
  }
  throw new Error(`not converged: ${left().slice(0, 5).join("; ")}`);
}

/** Without later resyncs: they look at every name whether anything changed or not. */
function counted(controller: Runnable, counts: Counts): Runnable {
  let started = false;
  return {
    ...controller,
    names: async (ports, signal) => {
      if (started) return [];
      started = true;
      return controller.names(ports, signal);
    },
    look: (name, ports, signal) => {
      counts.looks += 1;
      return controller.look(name, ports, signal);
    },
  };
}

class CountingMirror extends StoreMirror {
  readonly #counts: Counts;

  constructor(options: ConstructorParameters<typeof StoreMirror>[0], counts: Counts) {
    super(options);
    this.#counts = counts;
  }

  override *all<K extends Kind>(kind: K): Iterable<Resource<K>> {
    for (const row of super.all(kind)) {
      this.#counts.rows += 1;
      yield row;
    }
  }

  override *allDecided<T>(kind: Kind): Iterable<readonly [string, Seen<T>]> {
    for (const row of super.allDecided<T>(kind)) {
      this.#counts.rows += 1;
      yield row;
    }
  }
}

/** Twice: what the first one finalizes, the second one frees. */
async function heapUsed(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void; // V8's own, once the flag is set
  collect();
  await new Promise(setImmediate);
  collect();
  return process.memoryUsage().heapUsed;
}

async function main(): Promise<void> {
  const rows: Growth[] = [];
  for (const services of [10, 100, 1_000]) rows.push(await growth({ services, nodes: 50 }));
  const [first] = rows;
  const line = (cells: readonly (string | number)[]): void =>
    void process.stdout.write(`${cells.map((cell) => String(cell).padStart(12)).join("")}\n`);
  line(["services", "looks", "rows", "writes", "docker", "CPU ms", "heap MiB", "KiB/service"]);
  for (const row of rows) {
    const perService =
      row === first || !first ? "" : ((row.heapBytes - first.heapBytes) / (row.services - first.services) / 1024).toFixed(1);
    line([
      row.services,
      row.looks,
      row.rows,
      row.writes,
      row.dockerCalls,
      row.cpuMs.toFixed(1),
      (row.heapBytes / 2 ** 20).toFixed(1),
      perService,
    ]);
  }
}

if (import.meta.main) await main();
