// One simulated life: computers that start whenever they like, faults for a while, then calm, in which they must be one house as it should be.
import { keys } from "../../../src/api/keys.ts";
import { MEMBERS_MAX, votersFor } from "../../../src/joining/voters.ts";
import { sameMachine, type QueueEntry } from "../../../src/joining/house-view.ts";
import { SimulationFailure } from "../world.ts";
import { Chaos } from "./chaos.ts";
import type { Cluster } from "./cluster.ts";
import type { Host } from "./host.ts";
import { realParts, type Parts } from "./parts.ts";
import { recordsOf } from "./store.ts";
import { World } from "./world.ts";

const CHAOS_MAX_MS = 120_000;
/** A former self must be silent for a minute, a dead learner for the time of `replaceAfterMs`, and each goes through the queue. */
const CALM_WITHIN_MS = 600_000;
/** Longer than any change that is left waits for the one before. */
const REST_MS = 25_000;
const RESTS_MAX = 12;

export interface JoiningRun {
  readonly seed: number;
  readonly steps: number;
  readonly virtualMs: number;
  readonly fingerprint: number;
}

export interface LiveOptions {
  readonly parts?: Partial<Parts>;
  readonly tell?: (line: string) => void;
}

/** Throws SimulationFailure with the seed and the last of the trace. */
export function live(seed: number, { parts = {}, tell }: LiveOptions = {}): JoiningRun {
  const world = new World(seed, { ...realParts, ...parts });
  world.tell = tell;
  try {
    liveOn(world);
  } catch (error) {
    if (!(error instanceof SimulationFailure)) throw error;
    throw new SimulationFailure(`seed ${seed}: ${error.message}\n${world.lastLines()}`, { cause: error });
  }
  return { seed, steps: world.time.steps, virtualMs: world.nowMs, fingerprint: world.fingerprint() };
}

function liveOn(world: World): void {
  const { random } = world;
  const size = random.pick([1, 2, 3, 3, 4, 5, 6, 7]);
  for (let index = 0; index < size; index++) world.addHost();
  if (random.chance(0.1)) world.addHost("stranger");
  if (random.chance(0.1)) world.addHost("guest");
  people(world);
  const spreadMs = random.pick([0, 500, 3_000, 40_000]);
  for (const host of world.hosts) world.time.after(random.int(0, spreadMs), () => world.start(host));
  world.time.after(random.int(5_000, 90_000), () => {
    for (const cluster of world.clusters.values()) if (cluster.leaderHost() !== undefined && random.chance(0.7)) cluster.hasObjects = true;
  });
  const chaos = new Chaos(world);
  if (random.chance(0.85)) chaos.start();
  world.run(random.int(5_000, CHAOS_MAX_MS));
  chaos.end();
  comeToRest(world);
  for (const cluster of houses(world)) world.invariants.checkMembers(cluster);
}

/** Somebody approves whoever waits for it, sooner or later. */
function people(world: World): void {
  world.time.after(world.random.int(1_000, 20_000), () => {
    for (const cluster of world.clusters.values()) approve(world, cluster);
    people(world);
  });
}

function approve(world: World, cluster: Cluster): void {
  for (const nodeId of cluster.waiting) cluster.approved.add(nodeId);
  const { entries, roster } = recordsOf(cluster);
  for (const { value, modRevision } of entries) {
    const host = world.hosts.find(({ disk }) => disk.nodeId === value.nodeId);
    // `fossora node replace`, where its disk was lost.
    const former = [...roster.values()].find(({ name, nodeId }) => name === host?.name && nodeId !== value.nodeId);
    if (value.byItself || value.replaces !== undefined || former === undefined) continue;
    const next: QueueEntry = { ...value, replaces: former.nodeId };
    const key = keys.queued(value.nodeId);
    cluster.commit({ compare: [{ key, modRevision }], writes: [{ put: key, value: JSON.stringify(next) }] });
  }
  // `fossora node remove`, where it came in by another name before anybody could say so.
  for (const host of world.hosts)
    for (const { nodeId, request } of roster.values())
      if (
        host.people === "guest" &&
        roster.has(host.disk.nodeId) &&
        nodeId !== host.disk.nodeId &&
        sameMachine(request.machine, host.machine)
      )
        cluster.commit({ compare: [], writes: [{ delete: keys.houseNode(nodeId) }] });
}

function isOurs(world: World, host: Host): boolean {
  return host.people !== "stranger" && !world.isRemoved(host);
}

/** Betterment may go on for a while, each step as calmly as the one before. */
function comeToRest(world: World): void {
  for (let rests = 0; rests < RESTS_MAX; rests++) {
    if (!world.runUntil(() => problems(world).length === 0, CALM_WITHIN_MS))
      world.fail(`not one house:\n  ${problems(world).join("\n  ")}\n  ${membersOf(world)}`);
    if (!world.runUntil(() => problems(world).length > 0, REST_MS)) return;
  }
  world.fail("it never comes to rest");
}

function membersOf(world: World): string {
  const described = houses(world).map((cluster) => {
    const members = cluster.members.map((member) => {
      const host = world.hosts.find(({ etcd }) => etcd?.memberId === member.id);
      return `${member.id}${member.learner ? " (learner)" : ""} at ${member.peerUrl}: ${host?.name ?? "nobody"}`;
    });
    return `${cluster.houseId}, led by ${cluster.leader?.id ?? "nobody"}: ${members.join(", ")}`;
  });
  return described.join("; ");
}

/** Why the neighbourhood is not yet as it should be. */
export function problems(world: World): readonly string[] {
  const ours = world.hosts.filter((host) => isOurs(world, host));
  const fresh = ours.filter((host) => host.agent?.joiner.phase.kind !== "member");
  const found = fresh.map((host) => `${host.name} is ${host.agent?.joiner.phase.kind ?? "off"}`);
  const living = houses(world);
  // A guest's own house is left to a person.
  const known = living.filter((cluster) => ours.some((host) => host.people === "ours" && world.clusterOf(host) === cluster));
  if (known.length > 1 && known.some((cluster) => !cluster.hasObjects && recordsOf(cluster).roster.size < 2))
    found.push(`there are ${living.length} houses, and one of them is empty`);
  if (living.some((one) => living.some((other) => one.houseId === other.houseId && one.epoch < other.epoch)))
    found.push("two parts of one house run at once");
  for (const cluster of living) found.push(...problemsOf(world, cluster));
  return found;
}

/** Those that somebody of ours belongs to. */
export function houses(world: World): readonly Cluster[] {
  return [...world.clusters.values()].filter((cluster) =>
    world.hosts.some((host) => isOurs(world, host) && world.clusterOf(host) === cluster),
  );
}

function problemsOf(world: World, cluster: Cluster): readonly string[] {
  const inIt = world.hosts.filter((host) => isOurs(world, host) && world.clusterOf(host) === cluster);
  const { entries, active, roster: nodes } = recordsOf(cluster);
  const roster = [...nodes.values()];
  const found: string[] = [];
  for (const host of inIt) {
    const node = roster.find(({ nodeId }) => nodeId === host.disk.nodeId);
    if (node === undefined) found.push(`${host.name} is not in the roster of ${cluster.houseId}`);
    else if (node.request.peerUrl !== host.peerUrl) found.push(`${host.name} is known at its old address`);
  }
  if (entries.length > 0 || active !== undefined) found.push(`somebody is still in the queue`);
  if (cluster.members.some(({ name }) => name === "")) found.push(`${cluster.houseId} has a member that never started`);
  for (const member of cluster.members)
    if (houses(world).length === 1 && world.hostOf(cluster, member) === undefined)
      found.push(`${member.name} runs nowhere, or nobody finds it`);
  const gone = roster.filter(({ nodeId }) => !inIt.some((host) => host.disk.nodeId === nodeId));
  // A node whose disk was lost may have become one of another house.
  if (gone.length > 0 && houses(world).length > 1) return found;
  if (gone.length > 0) found.push(`${cluster.houseId} still counts ${gone.map(({ name }) => name).join()}`);
  const voters = cluster.voters.length;
  if (voters !== votersFor(roster.length)) found.push(`${cluster.houseId} has ${voters} voters for ${roster.length} nodes`);
  const members = Math.min(roster.length, MEMBERS_MAX);
  if (cluster.members.length !== members) found.push(`${cluster.houseId} has ${cluster.members.length} members for ${roster.length} nodes`);
  return found;
}
