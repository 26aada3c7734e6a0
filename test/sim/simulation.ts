// One simulated life of a house: people and faults for a while, then peace, in which it must become what was asked for and come to rest.
import { eachController } from "../../controllers/index.ts";
import { Engine } from "../../src/engine/engine.ts";
import { StoreMirror } from "../../src/engine/mirror.ts";
import { runnable } from "../../src/engine/runnable.ts";
import { keys } from "../../src/api/keys.ts";
import type { Name } from "../../src/api/resource.ts";
import type { ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import { isLastWord } from "../../controllers/service/last-word.ts";
import { ORDER_WAIT_MS } from "../../controllers/service/order.ts";
import { cannotRunTwice } from "../../controllers/service/traits.ts";
import { containerSpec, serviceSpec } from "../fakes/objects.ts";
import { Chaos } from "./chaos.ts";
import { decidedService, differences, nodesOn, stored } from "./convergence.ts";
import { evenOut } from "./even-out.ts";
import { Invariants } from "./invariants.ts";
import { DOWN_AFTER_MS, Liveness } from "./liveness.ts";
import type { SimNode } from "./node.ts";
import { tableProblems } from "./tables.ts";
import type { Wiring } from "./wiring.ts";
import { Workload } from "./workload.ts";
import { SimulationFailure, World } from "./world.ts";

const CHAOS_MIN_MS = 60_000;
const CHAOS_MAX_MS = 300_000;
/** Back-off may wait for 5 min, and a resync takes up to 6 min to come round. */
const CONVERGE_WITHIN_MS = 900_000;
/** In a calm house: pull, start, monitor, each node by its rank; sooner than any resync could help. */
const SOON_MS = 120_000;
/** Three updates of five instances, one after the other, each through its monitor. */
const UPDATED_MS = 200_000;
/** Of `all`, a node: its image is pulled for 15 s, it starts, and is ready through a monitor of 10 s. */
const NODE_UPDATED_MS = 35_000;
const HICCUP_MS = 3_000;
/** The house is sure of it 18 s after it was declared Down, or 40 s were asked for; then the image is pulled. */
const MOVED_MS = 55_000;
/** Of up to eight moves each. */
const ROUNDS_MAX = 12;
/** Longer than a resync. */
const REST_MS = 400_000;
/** What was reached may still have to be written down, and an update is good only after its monitor. */
const SETTLE_MS = 30_000;
const LOOK_EVERY_MS = 1_000;
const TRACE_LINES = 60;

export interface Run {
  readonly seed: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly changes: number;
  /** Of everything that happened, in order. */
  readonly fingerprint: string;
}

export const realWiring: Wiring = {
  controllers: () => eachController(runnable),
  store: (store) => store,
  containers: (containers) => containers,
  mirror: (options) => new StoreMirror(options),
  engine: (options) => new Engine(options),
  killProcesses: (kill) => kill,
  hear: (sign) => sign,
  voters: (_self, voters) => voters,
};

export interface SimulateOptions {
  /** Parts to replace by broken ones. */
  readonly wiring?: Partial<Wiring>;
  /** Hears every line of the trace. */
  readonly tell?: (line: string) => void;
}

/** Throws SimulationFailure with the seed and the last of the trace. */
export async function simulate(seed: number, { wiring = {}, tell }: SimulateOptions = {}): Promise<Run> {
  const world = new World(seed, { ...realWiring, ...wiring });
  world.trace.tell = tell;
  world.watchedBy(new Invariants(world));
  try {
    await live(world);
  } catch (error) {
    if (!(error instanceof SimulationFailure)) throw error;
    throw new SimulationFailure(`seed ${seed}: ${error.message}\n${world.trace.last(TRACE_LINES)}`, { cause: error });
  } finally {
    for (const node of world.nodes.values()) node.powerOff();
    await world.time.settle();
  }
  return { seed, steps: world.steps, virtualMs: world.time.now(), changes: world.changes, fingerprint: world.trace.fingerprint() };
}

async function live(world: World): Promise<void> {
  const size = world.random.pick([1, 2, 3, 3, 3, 3, 4, 5, 6, 7]);
  for (let index = 0; index < size; index++) world.addNode(`n${index + 1}`);
  const workload = new Workload(world);
  const chaos = new Chaos(world);
  const liveness = new Liveness(world);
  liveness.start();
  workload.start();
  chaos.start();
  await world.run(world.random.int(CHAOS_MIN_MS, CHAOS_MAX_MS));
  chaos.end();
  workload.end();
  await converge(world, CONVERGE_WITHIN_MS);
  await rest(world);
  const episode = world.random.pick([
    nodeDiesAndReturns,
    nodeIsDrained,
    nodeGoesAndReturns,
    loadIsEvenedOut,
    nodeIsCutOff,
    exclusiveMoves,
    engineHangs,
    updateMeetsSilence,
    unrelatedNodeJoins,
    somethingChanges,
  ]);
  await episode(world, workload);
}

async function converge(world: World, withinMs: number): Promise<void> {
  const untilMs = world.time.now() + withinMs;
  for (let problems = problemsOf(world); problems.length > 0; problems = problemsOf(world)) {
    if (world.time.now() > untilMs) throw new SimulationFailure(`not converged within ${withinMs / 1000} s:\n  ${problems.join("\n  ")}`);
    await world.run(LOOK_EVERY_MS);
  }
}

function problemsOf(world: World): readonly string[] {
  const problems = differences(world);
  return problems.length > 0 ? problems : tableProblems(world);
}

/** At rest stays at rest: nothing is written, no container is touched. */
async function rest(world: World): Promise<void> {
  await world.run(SETTLE_MS);
  world.trace.add("", "at rest");
  const { changes } = world;
  await world.run(REST_MS);
  if (world.changes !== changes) throw new SimulationFailure(`${world.changes - changes} changes while the house was at rest`);
  const left = problemsOf(world);
  if (left.length > 0) throw new SimulationFailure(`it did not stay converged:\n  ${left.join("\n  ")}`);
}

/** In a calm house a dead node's apps are soon elsewhere, and its return moves nothing. */
async function nodeDiesAndReturns(world: World): Promise<void> {
  if (world.nodes.size === 1) return;
  const node = world.random.pick([...world.nodes.values()]);
  world.trace.add("", `${node.name} dies`);
  node.powerOff();
  await world.run(DOWN_AFTER_MS);
  await converge(world, SOON_MS + (isAwaited(world, node) ? ORDER_WAIT_MS : 0));
  const before = placements(world);
  world.trace.add("", `${node.name} returns`);
  node.powerOn();
  await converge(world, SOON_MS);
  assertUnmoved(world, before, "a node returned");
}

/** What stays there is waited for, as long as that is done, by what starts elsewhere and comes after it. */
function isAwaited(world: World, node: SimNode): boolean {
  const services = stored(world, "Service");
  const awaited = new Set(services.flatMap(({ spec }) => spec.after ?? []));
  const stays = services.filter(({ spec }) => spec.failover === "never" || (cannotRunTwice(spec) && world.voters === 1));
  return stays.some(
    ({ metadata: { name } }) => awaited.has(name) && decidedService(world, name)?.instances.every((each) => each.node === node.name),
  );
}

/** In a calm house what others can run is soon elsewhere, and nothing moves back when it is needed again. */
async function nodeIsDrained(world: World): Promise<void> {
  const node = world.random.pick([...world.nodes.keys()]);
  world.trace.add("", `${node} is drained`);
  world.apply("Membership", node, { role: "auto", schedulable: true, drain: true });
  await world.run(SETTLE_MS);
  await converge(world, SOON_MS);
  const before = placements(world);
  world.trace.add("", `${node} is uncordoned`);
  world.apply("Membership", node, { role: "auto", schedulable: true });
  await world.run(SETTLE_MS);
  await converge(world, SOON_MS);
  assertUnmoved(world, before, "a drained node was uncordoned");
}

/** It has handed over what others can run before it is away, and nothing moves when it goes, nor when it is back. */
async function nodeGoesAndReturns(world: World): Promise<void> {
  if (world.nodes.size === 1) return;
  const node = world.random.pick([...world.nodes.values()]);
  world.trace.add("", `${node.name} says that it goes`);
  node.goes = "away";
  await world.run(SETTLE_MS);
  await converge(world, SOON_MS);
  const before = placements(world);
  const isSuspended = world.random.chance(0.4);
  world.trace.add("", `${node.name} ${isSuspended ? "sleeps" : "shuts down"}`);
  if (isSuspended) node.sleep();
  else node.powerOff();
  await world.run(DOWN_AFTER_MS);
  await converge(world, SOON_MS);
  assertUnmoved(world, before, "a node went that had handed over");
  world.trace.add("", `${node.name} returns`);
  if (isSuspended) node.wake();
  else node.powerOn();
  node.goes = undefined;
  await converge(world, SOON_MS);
  assertUnmoved(world, before, "a node returned that had gone");
}

/** Whoever asks for it again and again is soon told that there is nothing to gain. */
async function loadIsEvenedOut(world: World): Promise<void> {
  for (let rounds = 0; rounds < ROUNDS_MAX; rounds++) {
    if ((await evenOut(world)) === 0) return;
    await world.run(SETTLE_MS);
    await converge(world, UPDATED_MS);
  }
  throw new SimulationFailure(`after ${ROUNDS_MAX} rounds there is still something to even out`);
}

/** It goes on from what was last decided for it, and makes anew what somebody removes there, but for what others may run now. */
async function nodeIsCutOff(world: World): Promise<void> {
  if (world.nodes.size === 1) return;
  await applyBridge(world);
  const node = nodeOf(world, BRIDGE);
  world.trace.add("", `${node.name} is cut off`);
  node.cutOff = true;
  world.delete("Service", BRIDGE);
  await world.run(SOON_MS);
  node.removeByHand();
  await world.run(SETTLE_MS);
  world.trace.add("", `${node.name} is back`);
  node.cutOff = false;
  await converge(world, SOON_MS);
}

/** What must not run twice runs elsewhere when its computer is lost, however that is, and stays there; the invariants see that it is never two. */
async function exclusiveMoves(world: World): Promise<void> {
  if (world.voters === 1) return;
  await applyBridge(world, { failover: { after: world.random.pick(["0s", "0s", "40s"]) } });
  const node = nodeOf(world, BRIDGE);
  const ways: readonly (readonly [string, () => void, () => void])[] = [
    ["loses its power", () => node.powerOff(), () => node.powerOn()],
    ["is cut off", () => (node.cutOff = true), () => (node.cutOff = false)],
    ["sleeps", () => node.sleep(), () => node.wake()],
  ];
  if (world.random.chance(0.4)) {
    world.trace.add("", `the agent of ${node.name} is killed`);
    node.killAgent();
    await world.run(world.random.int(0, SETTLE_MS));
  }
  const hasHungDocker = world.random.chance(0.3);
  if (hasHungDocker) node.dockerFaults = { slow: 1, failBefore: 0.5, failAfter: 0 };
  const [what, lose, giveBack] = world.random.pick(ways);
  world.trace.add("", `${node.name} ${what}`);
  lose();
  const isElsewhere = (): boolean =>
    nodesOn(world).some((other) => other !== node && other.labelled(BRIDGE).some(({ serving }) => serving));
  if (!(await world.until(isElsewhere, MOVED_MS))) throw new SimulationFailure(`${BRIDGE} did not move within ${MOVED_MS / 1000} s`);
  node.dockerFaults = { slow: 0, failBefore: 0, failAfter: 0 };
  world.trace.add("", `${node.name} is back`);
  giveBack();
  if (node.agent === undefined) node.startAgent();
  const there = decidedService(world, BRIDGE)?.instances;
  await converge(world, SOON_MS);
  if (JSON.stringify(decidedService(world, BRIDGE)?.instances) !== JSON.stringify(there))
    throw new SimulationFailure(`${BRIDGE} moved again when ${node.name} was back`);
}

const BRIDGE = "bridge";

/** Writes to a folder of the host, which may be one share on all. */
async function applyBridge(world: World, over: Partial<ServiceSpec> = {}): Promise<void> {
  world.registry.set("bridge:1", { pullMs: 200, bytes: 1_000_000 });
  const shared = { type: "host", source: "/srv", path: "/srv", readOnly: false } as const;
  const bridge = containerSpec(BRIDGE, "bridge:1", { volumes: [shared] });
  world.apply("Service", BRIDGE, serviceSpec(BRIDGE, "", { containers: [bridge], ...over }));
  await converge(world, SOON_MS);
}

function nodeOf(world: World, name: Name): SimNode {
  const placed = decidedService(world, name)?.instances[0]?.node;
  return (placed !== undefined && world.nodes.get(placed)) || world.random.pick([...world.nodes.values()]);
}

/** An engine that hangs takes no app along; what ends meanwhile is led to no more. */
async function engineHangs(world: World): Promise<void> {
  await applySteady(world, "steady:1");
  const node = nodeOf(world, STEADY);
  world.trace.add("", `the engine of ${node.name} hangs`);
  node.docker.hang();
  const isTold = (): boolean => toldOf(world, node, STEADY).some(isLastWord);
  if (!(await world.until(isTold, SOON_MS))) throw new SimulationFailure(`nobody says that the engine of ${node.name} hangs`);
  for (const untilMs = world.time.now() + SOON_MS; world.time.now() < untilMs; await world.run(LOOK_EVERY_MS)) {
    const problems = tableProblems(world);
    if (problems.length > 0) throw new SimulationFailure(`the engine of ${node.name} hangs, its apps serve:\n  ${problems.join("\n  ")}`);
  }
  for (const container of node.docker.containers.values()) if (container.service === STEADY) container.crash(1);
  const isLedTo = (): boolean =>
    nodesOn(world).some(({ agent }) => agent?.proxy.routes.get(STEADY)?.http.some(({ backends }) => backends.length > 0));
  if (!(await world.until(() => !isLedTo(), SOON_MS))) throw new SimulationFailure(`${STEADY} ended, and names still lead to it`);
  node.docker.goOn();
  await converge(world, SOON_MS);
}

/** What takes the old one's place has been ready, and answers nobody any more; its engine, which knew, hangs: the invariants see that the old one stays. */
async function updateMeetsSilence(world: World): Promise<void> {
  if (world.nodes.size === 1) return;
  await applySteady(world, "steady:1");
  const [old] = decidedService(world, STEADY)?.instances ?? [];
  world.apply("Service", STEADY, serviceSpec(STEADY, "steady:2", { update: { ...STEADY_UPDATE, monitor: "60s" } }));
  const newNode = (): SimNode | undefined =>
    nodesOn(world).find((node) => toldOf(world, node, STEADY).some(({ id, ready }) => ready && id !== old?.id));
  if (!(await world.until(() => newNode() !== undefined, SOON_MS))) throw new SimulationFailure(`the new ${STEADY} did not become ready`);
  const node = newNode();
  const fresh = [...(node?.docker.containers.values() ?? [])].find(({ spec }) => spec.image === "steady:2");
  world.trace.add("", `the engine of ${node?.name} hangs, and the new ${STEADY} answers nobody`);
  node?.docker.hang();
  if (fresh !== undefined) fresh.isDeaf = true;
  await world.run(UPDATED_MS);
  if (fresh !== undefined) fresh.isDeaf = false;
  node?.docker.goOn();
  await converge(world, UPDATED_MS);
}

const STEADY = "steady";
const STEADY_UPDATE = { order: "start-first", parallel: 1, monitor: "5s", onFailure: "rollback" } as const;

/** Docker itself asks how it is. */
async function applySteady(world: World, image: string): Promise<void> {
  for (const each of ["steady:1", "steady:2"]) world.registry.set(each, { pullMs: 200, bytes: 1_000_000, hasHealthcheck: true });
  world.apply("Service", STEADY, serviceSpec(STEADY, image, { update: STEADY_UPDATE }));
  await converge(world, SOON_MS);
}

function toldOf({ etcd }: World, { name: node }: SimNode, name: Name): ObservedService["instances"] {
  const value = etcd.get(keys.observed("Service", name, node))?.value;
  return value === undefined ? [] : (JSON.parse(value) as ObservedService).instances;
}

/** A node that joins moves nothing that does not want to be everywhere. */
async function unrelatedNodeJoins(world: World): Promise<void> {
  const before = placements(world);
  world.trace.add("", "another node joins");
  world.addNode("n9");
  await world.run(SETTLE_MS);
  await converge(world, SOON_MS);
  assertUnmoved(world, before, "an unrelated node joined");
}

/** A change is soon carried out, down to the tables, although Docker was slow and failed while it was made. */
async function somethingChanges(world: World, workload: Workload): Promise<void> {
  for (const node of world.nodes.values()) node.dockerFaults = { slow: 0.3, failBefore: 0.3, failAfter: 0.1 };
  for (let change = 0; change < 3; change++) {
    workload.changeService();
    await world.run(HICCUP_MS);
  }
  for (const node of world.nodes.values()) node.dockerFaults = { slow: 0, failBefore: 0, failAfter: 0 };
  await converge(world, Math.max(UPDATED_MS, world.nodes.size * NODE_UPDATED_MS));
}

/** Of Services that do not want to be everywhere. */
function placements(world: World): ReadonlyMap<string, string> {
  const fixed = stored(world, "Service").filter(({ spec }) => spec.replicas !== "all");
  return new Map(fixed.map(({ metadata: { name } }) => [name, JSON.stringify(decidedService(world, name)?.instances)]));
}

function assertUnmoved(world: World, before: ReadonlyMap<string, string>, what: string): void {
  const moved = [...placements(world)].filter(([name, value]) => before.get(name) !== value).map(([name]) => name);
  if (moved.length > 0) throw new SimulationFailure(`${what}, and this moved: ${moved.join(", ")}`);
}
