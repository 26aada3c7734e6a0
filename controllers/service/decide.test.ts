import assert from "node:assert/strict";
import { test } from "node:test";
import type { DecidedService } from "../../src/api/state.ts";
import type { ServiceSpec, Update } from "../../src/api/types.ts";
import { decided, houseFacts, instance, nodeFacts, observed, observedInstance, seen, service } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { both, failing, LONG, next, one, places, running, serves, two, updating } from "../../test/fakes/update.ts";
import { decide } from "./decide.ts";
import { revisionHash } from "./spec-hash.ts";

test("a new Service is placed", () => {
  assert.deepEqual(places(next(one, undefined)), ["nas one"]);
});

test("what is decided and serves stays the same object", () => {
  assert.equal(next(one, running, { observed: new Map([observed("nas", [observedInstance("aaaa")])]) }), running);
});

test("nothing is placed without a node that fits, and it is said how many are missing", () => {
  const decision = decide(
    "app",
    service("app", { ...one, replicas: 2 }),
    houseFacts({ nodes: [nodeFacts("nas", { schedulable: false })] }),
    0,
  );
  assert.deepEqual([decision.next?.instances, decision.unplaced], [[], 2]);
});

const pausing = (spec: ServiceSpec, more: Partial<ServiceSpec> = {}): ServiceSpec => ({
  ...spec,
  ...more,
  update: { ...spec.update, paused: true },
});

test("a paused update begins nothing, and goes on where it was when it is resumed", () => {
  assert.equal(next(pausing(two), running, serves, 2), running);
  assert.deepEqual(places(next(two, running, serves, 2)), ["nas one", "nas two"]);
  const halfWay = updating();
  assert.equal(next(pausing(two), halfWay, both({}), 3), halfWay);
  assert.deepEqual(places(next(two, halfWay, both({}), 2)), ["nas two"]);
});

test("paused, a lost instance is replaced and their number follows, by what was begun last", () => {
  const lost = { nodes: [nodeFacts("nas", { downSinceMs: 0 }), nodeFacts("nuc")] };
  assert.deepEqual(places(next(pausing(two), running, { ...lost, ...serves }, 2)), ["nuc one"]);
  const grown = next(pausing(two, { replicas: 2 }), running, serves, 2);
  assert.equal(grown?.revisions[running.target]?.spec.replicas, 2);
  assert.deepEqual(places(next(pausing(two, { replicas: 2 }), running, { ...serves, nodes: [nodeFacts("nas"), nodeFacts("nuc")] }, 2)), [
    "nas one",
    "nuc one",
  ]);
});

test("a first instance is made also of what is paused, and another moment of a restart makes new ones", () => {
  assert.deepEqual(places(next(pausing(one), undefined)), ["nas one"]);
  const again = { ...one, update: { ...one.update, restartedAt: "2026-01-31T12:00:00Z" } };
  assert.notEqual(next(again, running, serves, 2)?.target, running.target);
});

test("a change that needs no restart is taken over in place", () => {
  const changed = next({ ...one, update: { ...one.update, monitor: "9s" } }, running, {}, 2);
  assert.deepEqual(changed?.instances, running.instances);
  assert.equal(changed?.revisions[running.target]?.generation, 2);
});

test("an update adds the new instance beside the old one", () => {
  assert.deepEqual(places(next(two, running, {}, 2)), ["nas one", "nas two"]);
});

test("an update ends when the new one was ready through monitor: the old one goes, then it is good", () => {
  const done = next(two, updating(), both({}), 2);
  assert.deepEqual(places(done), ["nas two"]);
  const good = next(two, done, both({}), 2);
  assert.equal(good?.good, revisionHash(two));
  assert.deepEqual(
    Object.keys(good?.revisions ?? {}).sort(),
    [revisionHash(one), revisionHash(two)].sort(),
    "the revision before stays, for a rollback",
  );
});

test("an update that fails is rolled back, and that generation is not tried again", () => {
  const back = next(two, updating(), both(failing), 2);
  assert.equal(back?.target, revisionHash(one));
  assert.deepEqual(back?.failed, { generation: 2, revision: revisionHash(two), reason: "CrashLoop", message: "it ends" });
  const cleaned = next(two, back, both(failing), 2);
  assert.deepEqual(places(cleaned), ["nas one"]);
  assert.equal(next(two, cleaned, { observed: new Map([observed("nas", [observedInstance("aaaa")])]) }, 2), cleaned);
});

test("a rollback returns to the containers of before, as many as are wished for now", () => {
  const scaled = { ...two, replicas: 3 };
  const update = updating();
  const stopped = { ...update.revisions, [revisionHash(one)]: { generation: 1, spec: { ...one, replicas: 0 } } };
  const revisions = { ...stopped, [revisionHash(two)]: { generation: 2, spec: scaled } };
  const back = next(scaled, { ...update, revisions }, both(failing), 2);
  assert.deepEqual(back?.revisions[back.target]?.spec, { ...one, replicas: 3 });
});

test("what ran the same spec before an update, and fails, is no failure of the update", () => {
  const before = updating();
  const scaled = { ...before, revisions: { ...before.revisions, [revisionHash(two)]: { generation: 3, spec: two } } };
  assert.equal(next(two, scaled, both(failing), 3)?.failed, undefined);
});

test("an update that fails under onFailure: pause stays where it is", () => {
  const paused = next({ ...two, update: { ...two.update, onFailure: "pause" } }, updating({ onFailure: "pause" }), both(failing), 2);
  assert.equal(paused?.target, revisionHash(two));
  assert.equal(paused?.failed?.reason, "CrashLoop");
  assert.equal(next(two, paused, both(failing), 2), paused);
});

test("an update that fails under onFailure: continue goes on trying beside the old one", () => {
  const before = updating({ onFailure: "continue" });
  assert.equal(next({ ...two, update: { ...two.update, onFailure: "continue" } }, before, both(failing), 2), before);
});

test("another generation after a failure is another try", () => {
  const failed: DecidedService = { ...running, failed: { generation: 2, revision: revisionHash(two), reason: "CrashLoop", message: "" } };
  const again = next(two, failed, {}, 3);
  assert.equal(again?.target, revisionHash(two));
  assert.equal(again?.failed, undefined);
});

test("the first rollout has nothing to go back to, and goes on trying", () => {
  const { good: _, ...first } = running;
  assert.equal(next(one, first, { observed: new Map([observed("nas", [observedInstance("aaaa", failing)])]) }), first);
});

test("what never came up whole can be drained, and has not failed for that", () => {
  const { good: _, ...first } = decided("app", { ...one, replicas: 2 }, [instance("aaaa", "nas", one), instance("bbbb", "pi", one)]);
  const nodes = [nodeFacts("nas", { leaving: "drained" }), nodeFacts("pi"), nodeFacts("nuc")];
  const heard = new Map([observed("nas", [observedInstance("aaaa")]), observed("pi", [observedInstance("bbbb", failing)])]);
  const moving = next({ ...one, replicas: 2 }, first, { nodes, observed: heard });
  assert.deepEqual([places(moving), moving?.failed], [["nas one", "pi one", "nuc one"], undefined]);
});

test("an update of what runs on each node leaves alone what a cordoned one has, and does not wait for that", () => {
  const stopFirst: Update = { ...one.update, order: "stop-first" };
  for (const update of [stopFirst, one.update]) {
    const before: ServiceSpec = { ...one, replicas: "all", update };
    const after: ServiceSpec = { ...before, containers: two.containers };
    const nodes = [nodeFacts("nuc", { schedulable: false }), nodeFacts("nas"), nodeFacts("pi")];
    const placed = nodes.map(({ name }) => instance(`on-${name}`, name, before));
    let state: DecidedService | undefined = decided("app", before, placed);
    for (let steps = 0; steps < 9; steps++) {
      const of = (node: string) => (state?.instances ?? []).filter((each) => each.node === node).map(({ id }) => observedInstance(id));
      state = next(after, state, { nodes, observed: new Map(nodes.map(({ name }) => observed(name, of(name)))) }, 2);
    }
    assert.deepEqual(places(state)?.toSorted(), ["nas two", "nuc one", "pi two"], update.order ?? "start-first");
    assert.equal(state?.good, revisionHash(after));
    const cordoned = nodes.map(({ name }) => nodeFacts(name, { schedulable: false }));
    const doubled = decided("app", { ...before, replicas: 2 }, [instance("aaaa", "nas", before), instance("bbbb", "nas", before)]);
    const told = new Map([observed("nas", [observedInstance("aaaa"), observedInstance("bbbb")])]);
    const waiting = next(after, doubled, { nodes: cordoned, observed: told }, 2);
    assert.notEqual(waiting?.good, revisionHash(after), "none of it runs yet");
    if (update === stopFirst) assert.deepEqual(places(waiting), ["nas one"], "one on each");
  }
});

test("a deleted Service has no instances, and is forgotten when they are gone", () => {
  const emptied = next(undefined, running, { observed: new Map([observed("nas", [observedInstance("aaaa")])]) });
  assert.deepEqual(emptied?.instances, []);
  assert.equal(next(undefined, emptied, { observed: new Map([observed("nas", [observedInstance("aaaa")])]) }), emptied, "they still run");
  assert.equal(next(undefined, emptied), undefined);
});

test("an instance on a node that is Down is replaced after failover.after, and one that keeps data is not", () => {
  const nodes = [nodeFacts("nas", { downSinceMs: LONG - 20_000 }), nodeFacts("pi")];
  assert.deepEqual(places(next(one, running, { nodes })), ["pi one"]);
  const early = decide(
    "app",
    service("app", one),
    houseFacts({ decided: seen(running), nodes: [nodeFacts("nas", { downSinceMs: LONG - 5_000 }), nodeFacts("pi")] }),
    LONG,
  );
  assert.deepEqual([places(early.next), early.recheckAfterMs], [["nas one"], 10_000]);
  const data = serviceSpec("app", "", {
    containers: [containerSpec("app", "app:1", { volumes: [{ type: "volume", name: "c", path: "/c", readOnly: false }] })],
  });
  const kept = decided("app", data, [instance("aaaa", "nas", data)], { volumes: { "app-c": { node: "nas", uid: "u", made: true } } });
  assert.equal(next(data, kept, { nodes }), kept);
});

test("what nobody else can take stays decided for its node, unless that was taken out of the house", () => {
  const down = nodeFacts("nas", { record: undefined, downSinceMs: 0, goneSinceMs: 0 });
  assert.equal(next(one, running, { nodes: [down, nodeFacts("pi", { schedulable: false })] }), running);
  const two = { ...one, replicas: 2 };
  const pair = decided("app", two, [instance("aaaa", "nas", two), instance("bbbb", "nas", two)]);
  const big = { ...two, containers: [containerSpec("app", "app:1", { resources: { memory: "5Gi" } })] };
  const bigPair = { ...pair, revisions: { [pair.target]: { generation: 1, spec: big } }, target: pair.target };
  const oneFits = [down, nodeFacts("pi", {}, { memoryBytes: 8 * 2 ** 30 })];
  const wish = decided(
    "app",
    big,
    bigPair.instances.map((each) => ({ ...each, revision: revisionHash(big) })),
  );
  assert.deepEqual(
    next(big, wish, { nodes: oneFits })?.instances.map(({ node }) => node),
    ["nas", "pi"],
  );
  assert.deepEqual(next(one, running, { nodes: [nodeFacts("pi", { schedulable: false })] })?.instances, []);
});

test("an update does not wait for a node that is away, and what is to run on each node is forgotten on that one", () => {
  const down = nodeFacts("nas", { record: undefined, downSinceMs: 0, goneSinceMs: 0 });
  const nodes = [down, nodeFacts("pi", { schedulable: false })];
  assert.deepEqual(next(two, updating(), { nodes }, 2)?.instances, []);
  const all: ServiceSpec = { ...one, replicas: "all" };
  const there = decided("app", all, [instance("aaaa", "nas", all), instance("bbbb", "pi", all)]);
  assert.deepEqual(
    next(all, there, { nodes })?.instances.map(({ node }) => node),
    ["pi"],
  );
});

test("an instance stays on a node that is cordoned, or whose agent is silent", () => {
  for (const over of [{ schedulable: false }, { record: undefined }])
    assert.equal(next(one, running, { nodes: [nodeFacts("nas", over), nodeFacts("pi")] }), running);
});

test("an instance leaves a node that the spec no longer allows", () => {
  const spec: ServiceSpec = { ...one, placement: { spread: "node", require: { nodes: ["pi"] } } };
  assert.deepEqual(places(next(spec, running, { nodes: [nodeFacts("nas"), nodeFacts("pi")] }, 2)), ["nas one", "pi one"]);
});

test("a node that joins moves nothing, unless the Service wants to be everywhere", () => {
  const nodes = [nodeFacts("nas"), nodeFacts("pi")];
  assert.equal(next(one, running, { nodes }), running);
  const all: ServiceSpec = { ...one, replicas: "all" };
  assert.deepEqual(places(next(all, decided("app", all, running.instances), { nodes })), ["nas one", "pi one"]);
});

test("the decision says when time alone will change it", () => {
  const house = houseFacts({ decided: seen(updating()), ...both({}) });
  assert.equal(decide("app", service("app", two, 2), house, 2_000).recheckAfterMs, 3_000);
});

test("'all' has one on each node, also where a number of replicas had put two on one", () => {
  const everywhere: ServiceSpec = { ...one, replicas: "all" };
  const before = decided("app", everywhere, [instance("aaaa", "nas", everywhere), instance("bbbb", "nas", everywhere)]);
  const nodes = [nodeFacts("nas"), nodeFacts("attic")];
  assert.deepEqual(places(next(everywhere, before, { nodes, ...both({}) })), ["nas one", "attic one"]);
});

test("what must not run twice is replaced when it is certain that its node has ended it, and only if that was promised", () => {
  const share = { type: "host", source: "/mnt/share", path: "/share", readOnly: false } as const;
  const writer = serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { volumes: [share] })], failover: { after: "0s" } });
  const before = decided("app", writer, [instance("aaaa", "nas", writer)]);
  const lost = nodeFacts("nas", { record: undefined, downSinceMs: LONG - 30_000, verdict: 3, goneSinceMs: LONG - 10_000 });
  const told = (fenced: boolean) =>
    new Map([["nas", { bootId: "boot-nas", instances: [observedInstance("aaaa", fenced ? { fenced } : {})] }]]);
  const nodes = [lost, nodeFacts("pi")];
  const nodesOf = (value: DecidedService | undefined) => value?.instances.map(({ node }) => node);
  assert.deepEqual(nodesOf(next(writer, before, { nodes, told: told(true) })), ["pi"]);
  assert.equal(next(writer, before, { nodes, told: told(false) }), before);
  const early = [{ ...lost, goneSinceMs: LONG - 1_000 }, nodeFacts("pi")];
  const house = houseFacts({ decided: seen(before), nodes: early, told: told(true) });
  assert.deepEqual(decide("app", service("app", writer), house, LONG).recheckAfterMs, 5_000);
  const never: ServiceSpec = { ...writer, failover: "never" };
  const kept = decided("app", never, [instance("aaaa", "nas", never)]);
  assert.equal(next(never, kept, { nodes, told: told(true) }), kept);
});

test("what ran on a computer that was taken out of the house starts elsewhere", () => {
  assert.deepEqual(
    next(one, running, { nodes: [nodeFacts("pi")] })?.instances.map(({ node }) => node),
    ["pi"],
  );
});

const mounting = (image: string, name: string): ServiceSpec =>
  serviceSpec("app", "", {
    containers: [containerSpec("app", image, { volumes: [{ type: "volume", name, path: "/d", readOnly: false }] })],
  });
const foreign = { "app-b-c": { node: "nas", uid: "u", made: true, owner: "app-b" } };

test("a Service whose Volume another one made is placed nowhere, until it names another one", () => {
  const waits = next(mounting("app:1", "b-c"), undefined, { volumes: foreign });
  assert.deepEqual([places(waits), waits?.takenVolumes, waits?.volumes], [[], { "app-b-c": "app-b" }, undefined]);
  assert.equal(next(mounting("app:1", "b-c"), waits, { volumes: foreign }), waits);
  const freed = next(mounting("app:1", "own"), waits, { volumes: { "app-own": undefined } }, 2);
  assert.equal(freed?.takenVolumes, undefined);
  assert.equal(next(mounting("app:1", "own"), freed, { volumes: { "app-own": undefined } }, 2)?.volumes?.["app-own"]?.owner, "app");
});

test("an update to a Volume that another Service made takes nothing from what runs", () => {
  const before = mounting("app:1", "own");
  const volumes = { "app-own": { node: "nas", uid: "u", made: true, owner: "app" } };
  const kept = decided("app", before, [instance("aaaa", "nas", before)], { volumes });
  const after = mounting("app:2", "b-c");
  const aimed = next(after, kept, { ...serves, volumes: foreign }, 2);
  assert.deepEqual(aimed?.takenVolumes, { "app-b-c": "app-b" });
  assert.equal(next(after, aimed, { ...serves, volumes: foreign }, 2), aimed);
  assert.deepEqual(aimed?.instances, kept.instances);
});
