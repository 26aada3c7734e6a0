// The cases that the protocol was made for, each in a neighbourhood without any other fault.
import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../../src/api/keys.ts";
import type { Host } from "./host.ts";
import { houses, problems } from "./life.ts";
import { FITNESS, LONG_MS, neighbourhood, newcomer, theHouse } from "./neighbourhood.ts";
import { realParts } from "./parts.ts";
import { recordsOf } from "./store.ts";
import { World } from "./world.ts";

/** The leader freezes just before a promotion is carried out, and the learner dies meanwhile. */
function freezesBeforePromoting(stepAgeMaxMs: number): void {
  let frozen = false;
  const world = new World(7, {
    ...realParts,
    stepAgeMaxMs,
    planSteward: (view, memory) => {
      const step = realParts.planSteward(view, memory);
      const leader = world.hosts.find(({ disk }) => disk.nodeId === view.self);
      if (step?.kind !== "promote" || frozen || leader === undefined) return step;
      frozen = true;
      const learner = world.hosts.find(({ etcd }) => etcd?.memberId === step.memberId);
      world.freeze(leader, 20_000);
      if (learner !== undefined) world.crash(learner);
      return step;
    },
  });
  for (let index = 0; index < 3; index++) world.start(world.addHost("ours", FITNESS));
  assert(world.runUntil(() => frozen, LONG_MS));
  world.run(60_000);
}

function isIn(world: World, host: Host): boolean {
  return theHouse(world).store.has(keys.houseNode(host.disk.nodeId)) && host.agent?.joiner.phase.kind === "member";
}

function isQueued(world: World, host: Host): boolean {
  return theHouse(world).store.has(keys.queued(host.disk.nodeId));
}

function phaseOf(host: Host): string | undefined {
  return host.agent?.joiner.phase.kind;
}

/** Of the host whose request is about to be sent. */
function contactOf(world: World, host: Host): Host | undefined {
  const phase = host.agent?.joiner.phase;
  return phase?.kind === "asking" ? world.hosts.find(({ address }) => address === phase.house.contacts[0]) : undefined;
}

test("a contact that never answers is passed over for another member", () => {
  const { world } = neighbourhood(3);
  const host = newcomer(world);
  // Their request is on its way when the contact goes.
  for (let steps = 0; phaseOf(host) !== "asking" && steps < 100_000; steps++) world.run(1);
  const contact = contactOf(world, host);
  assert(contact !== undefined && !isQueued(world, host));
  world.crash(contact);
  assert(
    world.runUntil(() => isQueued(world, host), 10_000),
    "nobody else was asked",
  );
  // With a voter away etcd adds nobody, so it comes in as a worker.
  assert(world.runUntil(() => isIn(world, host), 30_000));
  world.start(contact);
  assert(
    world.runUntil(() => problems(world).length === 0, LONG_MS),
    problems(world).join(),
  );
});

test("a node that never sees a broadcast starts over, and founds when nobody is left", () => {
  const { world, lines } = neighbourhood(1);
  const host = newcomer(world);
  assert(world.runUntil(() => phaseOf(host) === "asking" && isQueued(world, host), 10_000));
  const [founder] = world.hosts;
  assert(founder !== undefined);
  world.crash(founder);
  world.run(25_000);
  assert.equal(phaseOf(host), "asking");
  assert(
    world.runUntil(() => phaseOf(host) === "member", 20_000),
    "it never founded",
  );
  assert(lines.some((line) => line.includes("asking -> looking")));
});

test("the one that is followed up goes offline, and the next is let in", () => {
  const { world } = neighbourhood(1);
  const gone = newcomer(world);
  assert(world.runUntil(() => isQueued(world, gone), 10_000));
  const next = newcomer(world);
  assert(world.runUntil(() => theHouse(world).store.has(keys.admission), 10_000));
  world.crash(gone);
  assert(world.runUntil(() => isIn(world, next), 60_000));
  assert(!isIn(world, gone));
  world.start(gone);
  assert(
    world.runUntil(() => problems(world).length === 0, LONG_MS),
    problems(world).join(),
  );
});

test("a queue whose head is away does not wait for it", () => {
  const { world } = neighbourhood(1);
  const gone = newcomer(world);
  assert(world.runUntil(() => isQueued(world, gone), 10_000));
  world.crash(gone);
  const next = newcomer(world);
  assert(world.runUntil(() => isIn(world, next), 60_000));
  assert(
    world.runUntil(() => !isQueued(world, gone), 60_000),
    "it was never forgotten",
  );
});

test("a leader dies after its MemberAdd, and the next one adopts the member", () => {
  const { world } = neighbourhood(3);
  let added: string | undefined;
  world.afterStep = (host, step) => {
    if (step.kind !== "add-learner" || added !== undefined) return;
    added = theHouse(world).members.find(({ peerUrl }) => peerUrl === step.peerUrl)?.id;
    world.time.after(0, () => world.crash(host));
  };
  const host = newcomer(world);
  assert(world.runUntil(() => isIn(world, host), 45_000));
  assert(added !== undefined);
  assert.equal(host.disk.data?.memberId, added);
  assert.equal(world.hosts.filter(({ agent }) => agent === undefined).length, 1);
});

test("an admitted node that never starts is removed after 30 s and gets in when it can", () => {
  const { world } = neighbourhood(1);
  const broken = newcomer(world);
  broken.broken = true;
  const next = newcomer(world);
  assert(world.runUntil(() => theHouse(world).store.has(keys.admission), 20_000));
  assert(world.runUntil(() => isIn(world, next), 60_000));
  assert(
    world.runUntil(() => theHouse(world).members.length === 2, 60_000),
    "the member that never started is still there",
  );
  broken.broken = false;
  assert(
    world.runUntil(() => problems(world).length === 0, LONG_MS),
    problems(world).join(),
  );
});

test("whoever dies at whatever moment of an admission, and comes back, all end up in the house", () => {
  const everyMs = 150;
  const moments = 50;
  for (let victim = 0; victim < 4; victim++) {
    for (let moment = 0; moment < moments; moment++) {
      const { world } = neighbourhood(3);
      newcomer(world);
      world.run(moment * everyMs);
      const host = world.hosts[victim];
      assert(host !== undefined);
      world.crash(host);
      world.run(8_000);
      world.start(host);
      assert(
        world.runUntil(() => problems(world).length === 0, LONG_MS),
        `${host.name} at ${moment * everyMs} ms: ${problems(world).join()}`,
      );
    }
  }
});

test("who is removed leaves the members, whichever it was, and does not come back", () => {
  for (let index = 0; index < 4; index++) {
    const { world } = neighbourhood(4);
    const host = world.hosts[index];
    const cluster = theHouse(world);
    assert(host !== undefined);
    world.remove(host, cluster);
    assert(
      world.runUntil(() => problems(world).length === 0 && cluster.voters.length === 3, LONG_MS),
      problems(world).join(),
    );
    world.run(60_000);
    assert(!cluster.store.has(keys.houseNode(host.disk.nodeId)));
    assert(!cluster.members.some(({ peerUrl }) => peerUrl === host.peerUrl));
  }
});

test("ten that ask at once are all let in, one at a time, and none starts over", () => {
  const { world, lines } = neighbourhood(1);
  const ten = Array.from({ length: 10 }, () => newcomer(world));
  assert(world.runUntil(() => ten.every((host) => isIn(world, host)), 120_000));
  assert.deepEqual(
    lines.filter((line) => line.includes("asking -> looking")),
    [],
  );
  assert(
    world.runUntil(() => problems(world).length === 0, LONG_MS),
    problems(world).join(),
  );
  const { voters, members } = theHouse(world);
  assert.deepEqual([voters.length, members.length], [5, 6]);
});

test("three that start at the same instant are one house of three voters", () => {
  const { world, lines } = neighbourhood(3);
  assert.equal(theHouse(world).voters.length, 3);
  assert.equal(lines.filter((line) => line.includes("founded")).length, 1);
});

test("two that find each other by the tailnet are one house within 10 s", () => {
  for (let index = 0; index < 10; index++) {
    const world = new World(100 + index, realParts);
    if (world.tailnet !== "running") continue;
    for (let number = 0; number < 2; number++) world.start(world.addHost("ours", FITNESS));
    assert(
      world.runUntil(() => problems(world).length === 0, 10_000),
      problems(world).join(),
    );
  }
});

test("a dead voter is replaced by the standby, and is the standby when it returns", () => {
  const { world } = neighbourhood(4);
  const dead = world.hosts.find((host) => theHouse(world).voters.some(({ id }) => id === host.etcd?.memberId));
  assert(dead !== undefined);
  const id = dead.disk.data?.memberId ?? "";
  world.crash(dead);
  world.run(world.replaceAfterMs * 0.9);
  assert(theHouse(world).member(id) !== undefined, "a reboot would have cost its vote");
  assert(world.runUntil(() => theHouse(world).member(id) === undefined && theHouse(world).voters.length === 3, 60_000));
  world.start(dead);
  assert(
    world.runUntil(() => problems(world).length === 0, LONG_MS),
    problems(world).join(),
  );
  assert.equal(theHouse(world).members.find((member) => member.id === dead.etcd?.memberId)?.learner, true);
});

test("a voter whose etcd is dead is replaced while its agent lives, lets newcomers in, and comes again", () => {
  const { world } = neighbourhood(4);
  const cluster = theHouse(world);
  const host = world.hosts.find(
    ({ etcd }) => etcd?.memberId !== cluster.leader?.id && cluster.voters.some(({ id }) => id === etcd?.memberId),
  );
  assert(host !== undefined);
  const id = host.disk.data?.memberId ?? "";
  world.endStore(host);
  world.run(world.replaceAfterMs * 0.9);
  assert(cluster.member(id) !== undefined, "a restart would have cost its vote");
  assert(world.runUntil(() => cluster.member(id) === undefined && cluster.voters.length === 3, 60_000));
  world.mendStore(host);
  newcomer(world);
  assert(
    world.runUntil(() => problems(world).length === 0, LONG_MS),
    problems(world).join(),
  );
  assert.equal(cluster.voters.length, 5);
});

test("a dead voter stays where no standby could take its vote", () => {
  const { world } = neighbourhood(3);
  const [dead] = world.hosts;
  assert(dead !== undefined);
  const before = theHouse(world).members.map(({ id }) => id);
  world.crash(dead);
  world.run(10 * world.replaceAfterMs);
  const after = theHouse(world).members.map(({ id }) => id);
  assert.deepEqual(after, before);
});

test("a voter with another address is a voter there, without leaving", () => {
  const { world } = neighbourhood(3);
  const cluster = theHouse(world);
  const mover = world.hosts.find((host) => host.etcd?.memberId !== cluster.leader?.id);
  assert(mover !== undefined);
  const id = mover.etcd?.memberId ?? "";
  mover.moveTo();
  assert(world.runUntil(() => cluster.member(id)?.peerUrl === mover.peerUrl, 60_000));
  assert.equal(cluster.member(id)?.learner, false);
});

test("a reinstalled machine takes the place of its former self, by its old name", () => {
  const { world } = neighbourhood(3);
  const cluster = theHouse(world);
  const host = world.hosts.find(({ etcd }) => etcd?.memberId !== cluster.leader?.id);
  assert(host !== undefined);
  const former = { nodeId: host.disk.nodeId, memberId: host.disk.data?.memberId ?? "" };
  world.crash(host);
  host.wipe();
  world.start(host);
  assert(
    world.runUntil(() => problems(world).length === 0, LONG_MS),
    problems(world).join(),
  );
  const roster = [...recordsOf(cluster).roster.values()];
  assert(!roster.some(({ nodeId }) => nodeId === former.nodeId));
  assert.equal(roster.find(({ nodeId }) => nodeId === host.disk.nodeId)?.name, host.name);
  assert.equal(cluster.member(former.memberId), undefined);
});

test("a voter that returns after a take-over sets its older state aside and joins again", () => {
  const { world, lines } = neighbourhood(2);
  const before = theHouse(world);
  before.hasObjects = true;
  const voter = world.hosts.find((host) => host.etcd?.memberId === before.leader?.id);
  const standby = world.hosts.find((host) => host !== voter);
  assert(voter !== undefined && standby !== undefined);
  world.crash(voter);
  world.run(5_000);
  world.takeOver(standby);
  assert(world.runUntil(() => world.clusterOf(standby)?.leader !== undefined, 10_000));
  world.start(voter);
  assert(
    world.runUntil(() => problems(world).length === 0, LONG_MS),
    problems(world).join(),
  );
  assert.deepEqual([theHouse(world).houseId, theHouse(world).epoch], [before.houseId, 1]);
  assert(lines.some((line) => line.includes("The house has been taken over")));
});

test("after a take-over while both run, the lower epoch ends at contact", () => {
  const { world } = neighbourhood(2);
  const before = theHouse(world);
  before.hasObjects = true;
  const [one, other] = world.hosts;
  assert(one !== undefined && other !== undefined);
  const standby = one.etcd?.memberId === before.leader?.id ? other : one;
  world.network.cut(one.index, other.index);
  world.run(20_000);
  world.takeOver(standby);
  world.run(20_000);
  assert.equal(houses(world).length, 2);
  world.network.mendAll();
  assert(
    world.runUntil(() => problems(world).length === 0, LONG_MS),
    problems(world).join(),
  );
  assert.equal(theHouse(world).epoch, 1);
});

test("what was decided before a freeze is not done after it", () => {
  freezesBeforePromoting(realParts.stepAgeMaxMs);
  assert.throws(() => freezesBeforePromoting(Number.POSITIVE_INFINITY), /a learner that is not alive was promoted/);
});

test("two houses with objects stay apart, and both say so", () => {
  const { world, lines } = neighbourhood(2, { start: false });
  const [one, other] = world.hosts;
  assert(one !== undefined && other !== undefined);
  world.network.cut(one.index, other.index);
  for (const host of world.hosts) world.start(host);
  assert(world.runUntil(() => houses(world).length === 2, LONG_MS));
  for (const cluster of world.clusters.values()) cluster.hasObjects = true;
  world.run(2_000);
  world.network.mendAll();
  world.run(60_000);
  assert.equal(houses(world).length, 2);
  for (const host of world.hosts)
    assert(
      lines.some((line) => line.includes(` ${host.name} `) && line.includes("There are two houses")),
      host.name,
    );
});

test("an empty house of one gives itself up for one with objects", () => {
  const { world } = neighbourhood(2, { start: false });
  const [one, other] = world.hosts;
  assert(one !== undefined && other !== undefined);
  world.network.cut(one.index, other.index);
  for (const host of world.hosts) world.start(host);
  assert(world.runUntil(() => houses(world).length === 2, LONG_MS));
  const kept = world.clusterOf(other);
  assert(kept !== undefined);
  kept.hasObjects = true;
  world.run(2_000);
  world.network.mendAll();
  assert(
    world.runUntil(() => problems(world).length === 0, LONG_MS),
    problems(world).join(),
  );
  assert.equal(theHouse(world), kept);
});
