// The fake engine keeps the `Containers` contract; virtual time runs as fast as it can.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { EngineError } from "../../src/api/errors.ts";
import { LABEL } from "../../src/api/labels.ts";
import { SeededRandom, VirtualClock } from "../fakes/clock.ts";
import { FakeContainers } from "../fakes/containers.ts";
import { FakeEngine } from "../fakes/containers-engine.ts";
import type { Behaviour } from "../fakes/containers-life.ts";
import { containerSpec } from "../fakes/containers-spec.ts";
import { containersContract } from "./containers.ts";
import { type Program, signal } from "./containers-bench.ts";

const behaviours: Readonly<Record<Program, Behaviour>> = {
  runs: { stopExitCode: 0 },
  "runs, and ends with 143": {},
  "exits 0": { exitAfterMs: 5, exitCode: 0 },
  "exits 3": { exitAfterMs: 5, exitCode: 3 },
  "runs out of memory": { exitAfterMs: 5, exitCode: 137, outOfMemory: true },
  "ignores the stop signal": { stopMs: Infinity },
  "says hello": { output: "hello\n", exitAfterMs: 5, exitCode: 0 },
};

const limitSteps = 10_000;
const clock = new VirtualClock();
const engine = new FakeEngine({
  clock,
  random: new SeededRandom(1),
  behave: ({ command, healthcheck }) => ({
    ...behaviours[(command?.[0] ?? "runs") as Program], // the contract's own commands
    check: typeof healthcheck === "object" && healthcheck.command[0] === "false" ? "fails" : "passes",
  }),
});
const network = { name: "contract", subnet: "10.200.1.0/24", gateway: "10.200.1.1", icc: false, labels: { [LABEL.kind]: "Service" } };
let directories = 0;
let running = true;

before(async () => {
  engine.load("fossora-test:1");
  engine.missingPaths.add("/nowhere/at-all").add("/dev/nowhere");
  void flow();
  await new FakeContainers(engine).ensureNetwork(network, signal);
});

after(() => {
  running = false;
});

async function flow(): Promise<void> {
  while (running) if (!(await clock.step())) await clock.settle();
}

containersContract("the fake engine", () => ({
  containers: new FakeContainers(engine),
  image: "fossora-test:1",
  network,
  otherNetwork: { ...network, name: "contract-2", subnet: "10.200.2.0/24", gateway: "10.200.2.1" },
  command: (program) => [program],
  directory: () => `/srv/${directories++}`,
  addForeign: async (name) => void engine.foreign.set(name, undefined),
  foreignRuns: async (name) => engine.foreign.has(name) && engine.violations.length === 0,
  restart: async (how) => {
    engine.stopDaemon(how);
    await assert.rejects(
      new FakeContainers(engine).list(undefined, signal),
      (error) => error instanceof EngineError && error.fault === "unavailable",
    );
    engine.startDaemon();
  },
  until: async (holds, what) => {
    for (let step = 0; !(await holds()); step++) assert(step < limitSteps, what);
  },
}));

test("a fault before the effect leaves nothing, one after it leaves the effect", async () => {
  const fails = (when: "before" | "after") => new FakeContainers(engine, (method) => (method === "create" ? { fails: when } : undefined));
  const [before, after] = [containerSpec("fails-before"), containerSpec("fails-after")];
  await assert.rejects(fails("before").create(before, signal));
  await assert.rejects(fails("after").create(after, signal));
  const names = (await new FakeContainers(engine).list(undefined, signal)).map(({ name }) => name);
  assert(!names.includes(before.name));
  assert(names.includes(after.name));
});

test("a full disk takes neither images nor containers", async () => {
  const pulling = new FakeEngine({ clock, random: new SeededRandom(2), registry: new Map([["app:1", {}]]) });
  const containers = new FakeContainers(pulling);
  pulling.diskFull = true;
  await assert.rejects(
    containers.pull("app:1", undefined, () => {}, signal),
    (error) => error instanceof EngineError && error.fault === "diskFull",
  );
  pulling.diskFull = false;
  const progress: number[] = [];
  const image = await containers.pull("app:1", undefined, ({ doneBytes }) => progress.push(doneBytes), signal);
  assert.deepEqual(image.tags, ["app:1"]);
  assert(progress.length > 1);
  pulling.diskFull = true;
  await assert.rejects(
    containers.create(containerSpec("full", { image: "app:1" }), signal),
    (error) => error instanceof EngineError && error.fault === "diskFull",
  );
});

test("a registry's refusal is the fault of the pull", async () => {
  const containers = new FakeContainers(
    new FakeEngine({ clock, random: new SeededRandom(3), registry: new Map([["private:1", { refused: "registryRefused" }]]) }),
  );
  await assert.rejects(
    containers.pull("private:1", undefined, () => {}, signal),
    (error) => error instanceof EngineError && error.fault === "registryRefused",
  );
  await assert.rejects(
    containers.pull("nowhere:1", undefined, () => {}, signal),
    (error) => error instanceof EngineError && error.fault === "imageNotFound",
  );
});
