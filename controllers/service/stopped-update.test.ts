// What becomes of a Service whose update failed and waits for a person.
import assert from "node:assert/strict";
import { test } from "node:test";
import type { ServiceSpec } from "../../src/api/types.ts";
import { decided, instance, nodeFacts, observed, observedInstance } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { away, both, failing, halted, LONG, next, one, places, serves, two, updating } from "../../test/fakes/update.ts";
import { revisionHash } from "./spec-hash.ts";

test("after a failed update what is lost is replaced by what was good before, and what failed stays for a person to look at", () => {
  const placed = [instance("aaaa", "nas", one), instance("bbbb", "pi", two, 2)];
  const onPi = { observed: new Map([observed("pi", [observedInstance("bbbb", failing)])]) };
  const before = halted({}, placed);
  const after = next(two, before, { nodes: [away, nodeFacts("pi")], ...onPi }, 2);
  assert.deepEqual(places(after), ["pi one", "pi two"]);
  assert.deepEqual([after?.target, after?.failed, after?.good], [before.target, before.failed, before.good]);
  const serving = {
    observed: new Map([observed("pi", [observedInstance("bbbb", failing), observedInstance(after?.instances[0]?.id ?? "")])]),
  };
  assert.equal(next(two, after, { nodes: [away, nodeFacts("pi")], ...serving }, 2), after);
});

test("after a failed update a node can be drained: what serves moves, and what failed there goes", () => {
  const nodes = [nodeFacts("nas", { leaving: "drained" }), nodeFacts("pi")];
  const cleared = next(two, halted(), { nodes, ...both(failing) }, 2);
  assert.deepEqual(places(cleared), ["nas one"]);
  const moving = next(two, cleared, { nodes, ...serves }, 2);
  assert.deepEqual(places(moving), ["nas one", "pi one"]);
  const came = moving?.instances.find(({ node }) => node === "pi")?.id ?? "";
  const ready = new Map([...serves.observed, observed("pi", [observedInstance(came)])]);
  assert.deepEqual(places(next(two, moving, { nodes, observed: ready }, 2)), ["pi one"]);
});

test("after a failed update one at a time, what failed keeps its place until its node is lost", () => {
  const stopFirst = (spec: ServiceSpec): ServiceSpec => ({ ...spec, update: { ...spec.update, order: "stop-first" } });
  const before = halted({ order: "stop-first" }, [instance("bbbb", "nas", two, 2)]);
  const alone = { ...before, revisions: { ...before.revisions, [revisionHash(one)]: { generation: 1, spec: stopFirst(one) } } };
  const wish = stopFirst({ ...two, update: { ...two.update, onFailure: "pause" } });
  const onNas = { observed: new Map([observed("nas", [observedInstance("bbbb", failing)])]) };
  assert.equal(next(wish, alone, { nodes: [nodeFacts("nas"), nodeFacts("pi")], ...onNas }, 2), alone);
  assert.deepEqual(places(next(wish, alone, { nodes: [away, nodeFacts("pi")] }, 2)), ["pi one"]);
});

test("what failed when one of it was to be on each node stays beside the only good one, which must not run twice", () => {
  const share = { type: "host", source: "/mnt/share", path: "/share", readOnly: false } as const;
  const onShare = (of: ServiceSpec, over: Partial<ServiceSpec>): ServiceSpec => ({
    ...of,
    containers: of.containers.map((container) => ({ ...container, volumes: [share] })),
    update: { ...of.update, order: "stop-first", onFailure: "pause" },
    ...over,
  });
  const [good, bad] = [onShare(one, {}), onShare(two, { replicas: "all" })];
  const found = { generation: 2, revision: revisionHash(bad), reason: "CrashLoop", message: "" };
  const placed = [instance("aaaa", "nas", good), instance("bbbb", "pi", bad, 2)];
  const revisions = { [revisionHash(good)]: { generation: 1, spec: good }, [revisionHash(bad)]: { generation: 2, spec: bad } };
  const before = { ...decided("app", bad, placed), revisions, good: revisionHash(good), failed: found };
  const nodes = [nodeFacts("nas"), nodeFacts("pi")];
  const heard = new Map([observed("nas", [observedInstance("aaaa")]), observed("pi", [observedInstance("bbbb", failing)])]);
  assert.equal(next(bad, before, { nodes, observed: heard }, 2), before);
});

test("after a failed update both stay, whatever the order of the one before was, and what failed is starting again at the moment", () => {
  const before = halted({ order: "start-first" });
  const stopFirst: ServiceSpec = { ...one, update: { ...one.update, order: "stop-first" } };
  const mixed = { ...before, revisions: { ...before.revisions, [revisionHash(one)]: { generation: 1, spec: stopFirst } } };
  const wish: ServiceSpec = { ...two, update: { ...two.update, onFailure: "pause", order: "start-first" } };
  for (const b of [failing, { ready: false, conditions: [] }]) assert.equal(next(wish, mixed, both(b), 2), mixed);
});

test("after a failed update of three, one that was replaced already and fails later is made good", () => {
  const three = (spec: ServiceSpec): ServiceSpec => ({ ...spec, replicas: 3, update: { ...spec.update, onFailure: "pause" } });
  const placed = [
    instance("aaaa", "nas", one),
    instance("cccc", "nas", one),
    instance("dddd", "nas", two, 2),
    instance("bbbb", "nas", two, 2),
  ];
  const before = halted({}, placed);
  const [goodSpec, newSpec] = [three(one), three(two)];
  const revisions = { [revisionHash(one)]: { generation: 1, spec: goodSpec }, [revisionHash(two)]: { generation: 2, spec: newSpec } };
  const on = (d: Parameters<typeof observedInstance>[1]) => ({
    observed: new Map([
      observed("nas", [observedInstance("aaaa"), observedInstance("cccc"), observedInstance("dddd", d), observedInstance("bbbb", failing)]),
    ]),
  });
  const stopped = { ...before, revisions };
  assert.equal(next(newSpec, stopped, on({}), 2), stopped);
  const cleared = next(newSpec, stopped, on(failing), 2);
  assert.deepEqual(places(cleared), ["nas one", "nas one", "nas two"], "as many stay to be looked at as it tried at a time");
  const left = new Map([
    observed("nas", [observedInstance("aaaa"), observedInstance("cccc"), observedInstance(cleared?.instances[2]?.id ?? "", failing)]),
  ]);
  const made = next(newSpec, cleared, { observed: left }, 2);
  assert.deepEqual(places(made), ["nas one", "nas one", "nas one", "nas two"]);
});

const everywhere = (image: string): ServiceSpec =>
  serviceSpec("app", "", {
    replicas: "all",
    update: { ...one.update, onFailure: "pause" },
    containers: [containerSpec("app", image, { network: "host" })],
  });

test("what must not run twice on one node stays on all of them while an update is paused, and after it failed", () => {
  const [before, after] = [everywhere("app:1"), everywhere("app:2")];
  const nodes = ["nas", "pi", "nuc"].map((name) => nodeFacts(name));
  const placed = nodes.map(({ name }) => instance(`on-${name}`, name, before));
  const all = decided("app", before, placed);
  const heard = { nodes, observed: new Map(nodes.map(({ name }) => observed(name, [observedInstance(`on-${name}`)]))) };
  assert.equal(next({ ...after, update: { ...after.update, paused: true } }, all, heard, 2), all);
  const revisions = { ...all.revisions, [revisionHash(after)]: { generation: 2, spec: after } };
  const failed = { generation: 2, revision: revisionHash(after), reason: "CrashLoop", message: "it ends" };
  const first = {
    ...all,
    target: revisionHash(after),
    revisions,
    failed,
    instances: [instance("on-nas", "nas", after, 2), ...placed.slice(1)],
  };
  const crashing = new Map([...heard.observed, observed("nas", [observedInstance("on-nas", failing)])]);
  assert.equal(next(after, first, { nodes, observed: crashing }, 2), first);
});

test("after a failed update what failed is in nobody's place, though it is ready at the moment", () => {
  const nodes = [nodeFacts("nas", { leaving: "drained" }), nodeFacts("pi"), nodeFacts("nuc")];
  const placed = [instance("aaaa", "nas", one), instance("bbbb", "pi", two, 2)];
  for (const b of [{}, failing, { ready: false }]) {
    const heard = new Map([...serves.observed, observed("pi", [observedInstance("bbbb", b)], LONG)]);
    const cleared = next(two, halted({}, placed), { nodes, observed: heard }, 2);
    assert.deepEqual(places(cleared), ["nas one"], "it makes room for the one that comes");
    assert.equal(next(two, cleared, { nodes, observed: heard }, 2), cleared, "which waits for its end");
    assert.deepEqual(places(next(two, cleared, { nodes, ...serves }, 2)), ["nas one", "nuc one"]);
  }
  const [pi, nuc] = [nodeFacts("pi"), nodeFacts("nuc")];
  const lost = { nodes: [away, pi, nuc], observed: new Map([observed("pi", [observedInstance("bbbb")], LONG)]) };
  assert.deepEqual(places(next(two, halted({}, placed), lost, 2)), ["nuc one", "pi two"]);
});

test("after a failed update what failed elsewhere holds up no drain, and stays where there is room for all", () => {
  const nodes = [nodeFacts("nas", { leaving: "drained" }), nodeFacts("pi"), nodeFacts("nuc")];
  const wide = (spec: ServiceSpec): ServiceSpec => ({ ...spec, update: { ...spec.update, onFailure: "pause", parallel: 2 } });
  const before = halted({ parallel: 2 }, [instance("aaaa", "nas", one), instance("bbbb", "pi", two, 2)]);
  const heard = new Map([observed("nas", [observedInstance("aaaa")]), observed("pi", [observedInstance("bbbb", failing)])]);
  assert.deepEqual(places(next(wide(two), before, { nodes, observed: heard }, 2)), ["nas one", "nuc one", "pi two"]);
});

test("an update that is written again meanwhile, with another number say, is tried anew", () => {
  const heard = new Map([observed("nas", [observedInstance("aaaa"), observedInstance("bbbb", failing)])]);
  for (const [before, onFailure] of [
    [updating(), "rollback"],
    [halted(), "pause"],
  ] as const) {
    const twice: ServiceSpec = { ...two, replicas: 2, update: { ...two.update, onFailure } };
    const cleared = next(twice, before, { observed: heard }, 3);
    assert.deepEqual(places(cleared), ["nas one", "nas two"]);
    const [, again] = cleared?.instances ?? [];
    assert.notEqual(again?.id, "bbbb");
    const fails = new Map([observed("nas", [observedInstance("aaaa"), observedInstance(again?.id ?? "", failing)])]);
    assert.equal(next(twice, cleared, { observed: fails }, 3)?.failed?.generation, 3);
  }
});
