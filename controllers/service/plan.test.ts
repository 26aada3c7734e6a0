import assert from "node:assert/strict";
import { test } from "node:test";
import {
  decided,
  docker,
  houseFacts,
  instance,
  localFacts,
  nodeFacts,
  observed,
  observedInstance,
  seen,
  service,
} from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import type { HouseFacts, LocalFacts } from "./facts.ts";
import { LOOK_AGAIN_MS, plan, RANK_DELAY_MS, transactionOf } from "./plan.ts";

const NOW = 100_000;
const spec = serviceSpec("app", "app:1");
const three = { nodes: [nodeFacts("nas"), nodeFacts("nuc"), nodeFacts("pi")], desiredSeenAtMs: NOW };

function planOn(
  node: string,
  house: Partial<HouseFacts>,
  { now = NOW, local = {}, of = spec }: { readonly now?: number; readonly local?: Partial<LocalFacts>; readonly of?: typeof spec } = {},
) {
  return plan(service("app", of), { name: "app", house: houseFacts(house), local: localFacts(local) }, { node, now });
}

test("the node that is chosen decides at once, and the others later one by one", () => {
  const nodes = ["nas", "nuc", "pi"];
  const first = nodes.find((node) => planOn(node, three).actions.length > 0);
  assert.ok(first);
  const decideAfter = (ms: number): number => nodes.filter((node) => planOn(node, three, { now: NOW + ms }).actions.length > 0).length;
  assert.deepEqual([0, RANK_DELAY_MS - 1, RANK_DELAY_MS, 2 * RANK_DELAY_MS - 1, 2 * RANK_DELAY_MS].map(decideAfter), [1, 1, 2, 2, 3]);
  const waits = nodes.map((node) => planOn(node, three).recheckAfterMs ?? 0).sort((a, b) => a - b);
  assert.deepEqual(waits, [0, LOOK_AGAIN_MS, LOOK_AGAIN_MS], "as others are placed the next may become its own");
  assert.deepEqual(
    nodes.map((node) => planOn(node, three, { now: NOW + RANK_DELAY_MS - 1 }).recheckAfterMs ?? 0).sort((a, b) => a - b),
    [0, 1, LOOK_AGAIN_MS],
  );
  for (const node of nodes) assert.equal(planOn(node, three, { now: NOW + 2 * RANK_DELAY_MS }).actions[0]?.kind, "Decide", node);
});

test("what has waited for room is decided by turns that count from when some was given up", () => {
  const nodes = ["nas", "nuc", "pi"];
  const since = NOW + 600_000;
  const house = { ...three, roomSinceMs: since };
  const decideAfter = (ms: number): number => nodes.filter((node) => planOn(node, house, { now: since + ms }).actions.length > 0).length;
  assert.deepEqual([0, RANK_DELAY_MS, 2 * RANK_DELAY_MS].map(decideAfter), [1, 2, 3]);
});

test("what is to be carried out comes before what is to be decided, for the store may be away", () => {
  const two = serviceSpec("app", "", { containers: [containerSpec("app", "app:2")] });
  const house = { decided: seen(decided("app", spec, [instance("aaaa", "nas", spec)])) };
  const kinds = planOn("nas", house, { of: two, local: { containers: [docker("app", "aaaa", spec, { state: "exited" })] } }).actions.map(
    ({ kind }) => kind,
  );
  assert.deepEqual(kinds, ["StartContainer", "Decide"]);
});

test("a house at rest does nothing and waits for nothing", () => {
  const container = { name: "app", phase: "running", id: "docker-aaaa-app", health: "healthy", restarts: 0, imageId: "sha256:1" } as const;
  const told = observedInstance("aaaa", {
    revision: decided("app", spec, []).target,
    addresses: { app: "10.201.0.2" },
    containers: [container],
  });
  const [node, entry] = observed("nas", [told]);
  const house = { decided: seen(decided("app", spec, [instance("aaaa", "nas", spec)])), observed: new Map([[node, entry]]) };
  const local = {
    containers: [docker("app", "aaaa", spec)],
    probes: { "docker-aaaa-app": { health: "healthy", sinceMs: 0 } },
    reported: entry,
  } as const;
  assert.deepEqual(planOn("nas", house, { local }), { actions: [], conditions: [] });
});

test("without a node that fits the plan says why", () => {
  const { conditions } = planOn("nas", { nodes: [nodeFacts("nas", { schedulable: false })] });
  assert.deepEqual(conditions, [
    { type: "Scheduled", status: "False", reason: "NoNodeFits", message: "None of 1 nodes fits: nas: it is cordoned" },
  ]);
});

/** One on each of three computers, of which the first is Down and has promised nothing; what becomes of it when `next` is wished for. */
function afterUpdate(next: typeof spec): readonly string[] {
  const share = { type: "host", source: "/srv", path: "/srv", readOnly: false } as const;
  const writing = (of: typeof spec, image: string) => ({ ...of, containers: [containerSpec("app", image, { volumes: [share] })] });
  const [each, of] = [writing({ ...next, replicas: "all" }, "app:1"), writing(next, "app:2")];
  const down = nodeFacts("nas", { record: undefined, downSinceMs: 0, goneSinceMs: 0 });
  const nodes = [down, nodeFacts("nuc"), nodeFacts("pi")];
  const told = new Map([["nas", { bootId: "b", instances: [observedInstance("aaaa")] }]]);
  let now = decided("app", each, [instance("aaaa", "nas", each), instance("bbbb", "nuc", each), instance("cccc", "pi", each)]);
  for (let steps = 0; steps < 20; steps++) {
    const ready = ["nuc", "pi"].map((node) =>
      observed(
        node,
        now.instances.filter((each) => each.node === node).map(({ id, revision }) => observedInstance(id, { revision })),
      ),
    );
    const house = { nodes, told, decided: seen(now), observed: new Map(ready), isOnEach: true };
    const [decide] = ["nuc", "pi"]
      .flatMap((node) => planOn(node, house, { of, now: NOW + steps * 60_000 }).actions)
      .filter(({ kind }) => kind === "Decide");
    if (decide?.kind !== "Decide" || decide.next === undefined) break;
    now = decide.next;
  }
  return now.instances.map(({ node, revision }) => `${node} ${now.revisions[revision]?.spec.containers[0]?.image}`).sort();
}

test("an update of what runs on each node goes past a node that is Down; one to fewer waits for it", () => {
  assert.deepEqual(afterUpdate({ ...spec, replicas: "all" }), ["nuc app:2", "pi app:2"]);
  assert.ok(!afterUpdate(spec).some((each) => each.endsWith("app:2")), "what runs on nas may still write");
});

test("an image that nothing needs any more is removed, and again later when that failed", () => {
  const image = { id: "", digests: [], tags: [], arch: "", hasHealthcheck: false, exposedTcpPorts: [], bytes: 0 };
  const local = {
    unused: ["app:0"],
    images: { "app:0": image },
    pulled: [],
    reported: seen({ bootId: "boot-nas", instances: [], pulled: ["app:0"] }),
  };
  const house = { decided: seen(decided("app", { ...spec, replicas: 0 }, [])) };
  const of = { ...spec, replicas: 0 };
  assert.deepEqual(
    planOn("nas", house, { local, of }).actions.map(({ kind }) => kind),
    ["RemoveImage"],
  );
  const failed = { ...local, jobs: { "remove image app:0": { state: "failed", error: new Error("x"), atMs: NOW, tries: 1 } } } as const;
  assert.deepEqual(planOn("nas", house, { local: failed, of }), { actions: [], conditions: [], recheckAfterMs: 1_000 });
});

test("a decision is one transaction over all that it was made from", () => {
  const next = decided("app", spec, [], { volumes: { "app-c": { node: "nas", uid: "u", made: false } } });
  const { compare, writes } = transactionOf({
    kind: "Decide",
    service: "app",
    next,
    over: 7,
    desired: 5,
    memberships: { nas: 3 },
    countedOut: { pi: 9 },
    placement: { room: {}, revision: 0 },
    newVolumes: ["app-c"],
  });
  assert.deepEqual(compare, [
    { key: "/fossora/decided/Service/app", modRevision: 7 },
    { key: "/fossora/desired/Service/app", modRevision: 5 },
    { key: "/fossora/decided/Membership/pi", modRevision: 9 },
    { key: "/fossora/nodes/pi", modRevision: 0 },
    { key: "/fossora/desired/Membership/nas", modRevision: 3 },
    { key: "/fossora/decided/Volume/app-c", modRevision: 0 },
  ]);
  assert.deepEqual(writes, [
    { put: "/fossora/decided/Service/app", value: JSON.stringify(next) },
    { put: "/fossora/decided/Volume/app-c", value: '{"node":"nas","uid":"u","made":false}' },
  ]);
  assert.deepEqual(
    transactionOf({
      kind: "Decide",
      service: "app",
      next: undefined,
      over: 7,
      desired: 0,
      memberships: {},
      countedOut: {},
      placement: { room: {}, revision: 0 },
      newVolumes: [],
    }).writes,
    [{ delete: "/fossora/decided/Service/app" }],
  );
});
