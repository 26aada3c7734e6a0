import assert from "node:assert/strict";
import { test } from "node:test";
import type { Context } from "../../src/engine/contract.ts";
import type { DecidedService, ObservedInstance } from "../../src/api/state.ts";
import type { Container, ServiceSpec } from "../../src/api/types.ts";
import { decided, docker, houseFacts, instance, localFacts, nodeFacts, observedInstance, seen } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import { carryOut, DRAIN_MAX_MS, DRAIN_MS } from "./carry-out.ts";
import type { ImageInfo } from "./docker-types.ts";
import type { HouseFacts, LocalFacts } from "./facts.ts";
import { jobKeys } from "./job-keys.ts";
import { ORDER_WAIT_MS } from "./order.ts";

const NOW = 100_000;
const image: ImageInfo = {
  id: "sha256:1",
  digests: ["app@sha256:9"],
  tags: [],
  arch: "amd64",
  hasHealthcheck: false,
  exposedTcpPorts: [],
  bytes: 1,
};
const specWith = (over: Partial<Container> = {}, more: Partial<ServiceSpec> = {}) =>
  serviceSpec("app", "", { containers: [containerSpec("app", "app:1", over)], ...more });
const free = specWith();
const bound = specWith({ network: "host" }); // must not run twice
const healthy = {
  probes: { "docker-aaaa-app": { health: "healthy", sinceMs: 0 }, "docker-bbbb-app": { health: "healthy", sinceMs: 0 } },
} as const;

function carry(
  value: DecidedService | undefined,
  local: Partial<LocalFacts>,
  house: Partial<HouseFacts> = {},
  copy?: NonNullable<Context["copy"]>,
) {
  return carryOut(
    { name: "app", house: houseFacts({ decided: value && seen(value, NOW), ...house }), local: localFacts(local) },
    { node: "nas", now: NOW, ...(copy && { copy }) },
  );
}

const verbs = (result: ReturnType<typeof carry>) => result.actions.map(({ kind }) => kind);

test("an instance is ready when all its containers are, and is told with its addresses", () => {
  const { instances, actions } = carry(decided("app", free, [instance("aaaa", "nas", free)]), {
    ...healthy,
    containers: [docker("app", "aaaa", free)],
  });
  assert.deepEqual(actions, []);
  assert.deepEqual(
    [instances[0]?.observed.ready, instances[0]?.quiet, instances[0]?.observed.addresses],
    [true, false, { app: "10.201.0.2" }],
  );
});

test("an instance of another node is none of this node's business", () => {
  assert.deepEqual(carry(decided("app", free, [instance("aaaa", "pi", free)]), {}), {
    actions: [],
    instances: [],
    recheckAfterMs: undefined,
  });
});

test("an instance on its way is quiet, and one with a condition is not", () => {
  const value = decided("app", free, [instance("aaaa", "nas", free)]);
  assert.equal(carry(value, {}).instances[0]?.quiet, true);
  assert.equal(carry(value, { images: { "app:1": image }, missingPaths: [] }).instances[0]?.quiet, true);
  const never = specWith({ pull: "never" });
  assert.equal(carry(decided("app", never, [instance("aaaa", "nas", never)]), {}).instances[0]?.quiet, false);
});

test("what is not decided is taken away, with the grace of its spec", () => {
  const spec = specWith({ stopGrace: "42s" });
  const [action] = carry(decided("app", spec, []), { containers: [docker("app", "aaaa", spec)] }).actions;
  assert.deepEqual([action?.kind, action?.kind === "RemoveContainer" && action.graceMs], ["RemoveContainer", 42_000]);
});

test("what nobody knows any more is taken away, too", () => {
  assert.deepEqual(verbs(carry(undefined, { containers: [docker("app", "aaaa", free)] })), ["RemoveContainer"]);
});

test("while another instance serves, one that was taken away is let out first", () => {
  const value = decided("app", free, [instance("bbbb", "nas", free)]);
  const containers = [docker("app", "aaaa", free), docker("app", "bbbb", free)];
  const early = carry(value, { ...healthy, containers });
  assert.deepEqual([early.actions, early.recheckAfterMs], [[], DRAIN_MS]);
  assert.deepEqual(verbs(carry(value, { ...healthy, containers }, { decided: seen(value, NOW - DRAIN_MS) })), ["RemoveContainer"]);
});

test("one that still answers somebody is let out longer, but not for ever", () => {
  const value = decided("app", free, [instance("bbbb", "nas", free)]);
  const containers = [docker("app", "aaaa", free), docker("app", "bbbb", free)];
  const after = (ms: number, busy: readonly string[]): ReturnType<typeof carry> =>
    carry(value, { ...healthy, containers, busy }, { decided: seen(value, NOW - ms) });
  assert.deepEqual(after(DRAIN_MS, ["aaaa"]).actions, []);
  assert.ok((after(DRAIN_MS, ["aaaa"]).recheckAfterMs ?? 0) > 0);
  assert.deepEqual(verbs(after(DRAIN_MAX_MS, ["aaaa"])), ["RemoveContainer"]);
  assert.deepEqual(verbs(after(DRAIN_MS, ["bbbb"])), ["RemoveContainer"]);
});

test("of an instance those containers go first that need the others", () => {
  const spec = serviceSpec("app", "", { containers: [containerSpec("app", "app:1", { after: ["db"] }), containerSpec("db", "db:1")] });
  const containers = [docker("app", "aaaa", spec, { container: "db" }), docker("app", "aaaa", spec)];
  const removed = carry(decided("app", spec, []), { containers }).actions.map((action) => action.kind === "RemoveContainer" && action.name);
  assert.deepEqual(removed, ["app-aaaa"]);
});

test("stop-first starts the new one only when the old one is gone, and stops the old one only when the image is here", () => {
  const value = decided("app", bound, [instance("bbbb", "nas", bound)]);
  const containers = [docker("app", "aaaa", bound)];
  assert.deepEqual(verbs(carry(value, { containers })), ["PullImage"]);
  assert.deepEqual(verbs(carry(value, { containers, images: { "app:1": image } })), ["RemoveContainer"]);
  assert.deepEqual(verbs(carry(value, { images: { "app:1": image } })), ["CreateContainer"]);
});

test("an old instance that waits for its image holds nothing up", () => {
  const [old, current] = [specWith({ network: "host", image: "app:0" }), bound];
  const target = decided("app", current, []);
  const revisions = { ...target.revisions, ...decided("app", old, []).revisions };
  const value = { ...target, revisions, instances: [instance("aaaa", "nas", old), instance("bbbb", "nas", current)] };
  const result = carry(value, { containers: [docker("app", "cccc", old)], images: { "app:1": image } });
  assert.deepEqual(verbs(result), ["PullImage", "RemoveContainer"]);
});

test("what must not run twice starts only when the other nodes know of it", () => {
  const value = decided("app", bound, [instance("bbbb", "nas", bound)]);
  const house = { nodes: [nodeFacts("nas"), nodeFacts("pi")] };
  const told = (bootId: string) => seen({ bootId, instances: [observedInstance("bbbb", { ready: false })] });
  assert.deepEqual(verbs(carry(value, { images: { "app:1": image } }, house)), []);
  assert.deepEqual(verbs(carry(value, { images: { "app:1": image }, reported: told("an older boot") }, house)), []);
  assert.deepEqual(verbs(carry(value, { images: { "app:1": image }, reported: told("boot-nas") }, house)), ["CreateContainer"]);
});

test("while Docker is away nothing is done, and what it said last stands as far as the agent's own check does not know better", () => {
  const value = decided("app", free, [instance("aaaa", "nas", free)]);
  const lastHeard = [
    { ...docker("app", "aaaa", free), hasEnded: false },
    { ...docker("app", "zzzz", free), hasEnded: false },
  ];
  const silent = (over: Partial<LocalFacts>) => carry(value, { ...healthy, containers: undefined, lastHeard, ...over });
  const { actions, instances, recheckAfterMs } = silent({});
  assert.deepEqual(actions, []);
  assert.ok(recheckAfterMs !== undefined);
  assert.deepEqual(
    instances.map(({ observed }) => [observed.id, observed.ready, observed.addresses, observed.conditions.map(({ reason }) => reason)]),
    [["aaaa", true, { app: "10.201.0.2" }, ["DockerUnavailable"]]],
  );
  const unhealthy = { "docker-aaaa-app": { health: "unhealthy", sinceMs: 0 } } as const;
  const deaf = silent({ probes: unhealthy }).instances[0]?.observed;
  assert.deepEqual([deaf?.ready, deaf?.conditions.map(({ reason }) => reason)], [false, ["PortNotListening", "DockerUnavailable"]]);
  assert.equal(silent({ lastHeard: lastHeard.map((each) => ({ ...each, hasEnded: true })) }).instances[0]?.observed.ready, false);
});

test("while Docker is away what was done once, and was cleared away before, is still done", () => {
  const spec = serviceSpec("app", "", { containers: [containerSpec("app", "app:1"), containerSpec("init", "init:1", { run: "once" })] });
  const value = decided("app", spec, [instance("aaaa", "nas", spec)]);
  const lastHeard = [{ ...docker("app", "aaaa", spec), hasEnded: false }];
  const done = [{ name: "init", phase: "exited", health: "none", restarts: 0, exitCode: 0 }] as const;
  const at = (containers: ObservedInstance["containers"]) => {
    const reported = seen({ bootId: "boot-nas", instances: [observedInstance("aaaa", { containers })] });
    return carry(value, { ...healthy, containers: undefined, lastHeard, reported }).instances[0]?.observed.ready;
  };
  assert.deepEqual([at(done), at([])], [true, false]);
});

test("a promise is neither given nor taken back while Docker is away", () => {
  const writable = specWith({ network: "host" });
  const value = decided("app", writable, [instance("aaaa", "nas", writable)]);
  const lastHeard = [{ ...docker("app", "aaaa", writable, { restartPolicy: "no" }), hasEnded: false }];
  const promised = seen({ bootId: "boot-nas", instances: [observedInstance("aaaa", { fenced: true })] });
  const at = (voters: number, over: Partial<LocalFacts>) =>
    carry(value, { ...healthy, containers: undefined, lastHeard, voters, ...over }).instances[0]?.observed.fenced;
  assert.deepEqual([at(3, {}), at(1, { reported: promised })], [undefined, true]);
});

test("while Docker is away and has said nothing before, it is told that nothing is known", () => {
  const reported = seen({ bootId: "boot-nas", instances: [observedInstance("aaaa", { addresses: { app: "10.201.0.2" } })] });
  const { actions, instances, recheckAfterMs } = carry(decided("app", free, [instance("aaaa", "nas", free)]), {
    containers: undefined,
    dockerProblem: "Cannot reach Docker",
    reported,
  });
  assert.deepEqual(actions, []);
  assert.ok(recheckAfterMs !== undefined);
  assert.deepEqual(
    [instances[0]?.observed.ready, instances[0]?.observed.conditions[0]?.reason, instances[0]?.observed.addresses],
    [false, "DockerUnavailable", { app: "10.201.0.2" }],
  );
});

test("networks and addresses of what is gone are given back", () => {
  const result = carry(decided("app", free, []), {
    networks: [{ name: "fossora-app-aaaa", instance: "aaaa" }],
    strayAddresses: ["app-aaaa"],
  });
  assert.deepEqual(verbs(result), ["RemoveNetwork", "ReleaseAddress"]);
  const used = carry(decided("app", free, [instance("aaaa", "nas", free)]), {
    ...healthy,
    containers: [docker("app", "aaaa", free)],
    networks: [{ name: "fossora-app-aaaa", instance: "aaaa" }],
  });
  assert.deepEqual(verbs(used), []);
});

test("the digest of an image is told once it is known, and kept", () => {
  const value = decided("app", free, [instance("aaaa", "nas", free)]);
  const first = carry(value, { ...healthy, containers: [docker("app", "aaaa", free)], images: { "app:1": image } }).instances[0]?.observed;
  assert.equal(first?.containers[0]?.digest, "app@sha256:9");
  const reported = seen({ bootId: "boot-nas", instances: first ? [first] : [] });
  assert.equal(
    carry(value, { ...healthy, containers: [docker("app", "aaaa", free)], reported }).instances[0]?.observed.containers[0]?.digest,
    "app@sha256:9",
  );
});

test("without quorum everything goes on, but for what another computer may have been told to run", () => {
  const writable = specWith({ network: "host" });
  const own = decided("app", writable, [instance("aaaa", "nas", writable)]);
  const images = { "app:1": image };
  const at = (voters: number, spec = writable) =>
    verbs(carry(decided("app", spec, [instance("aaaa", "nas", spec)]), { images, voters, inContact: false }, {}, { isFromDisk: true }));
  assert.deepEqual(at(1), ["CreateContainer"]);
  assert.deepEqual(at(3), []);
  assert.deepEqual(at(3, free), ["CreateContainer"]);
  assert.deepEqual(at(3, { ...writable, failover: "never" }), ["CreateContainer"]);
  const containers = [docker("app", "aaaa", writable, { restartPolicy: "no" })];
  const runs = carry(own, { ...healthy, containers, voters: 3, inContact: false }, {}, { isFromDisk: false });
  assert.deepEqual([verbs(runs), runs.instances[0]?.observed.ready], [[], true]);
});

test("from a copy on the disk nothing is taken away: its decision may be the older one", () => {
  const stray = { containers: [docker("app", "bbbb", free)] };
  assert.deepEqual(verbs(carry(undefined, stray, {}, { isFromDisk: true })), []);
  assert.deepEqual(verbs(carry(undefined, stray, {}, { isFromDisk: false })), ["RemoveContainer"]);
});

test("an instance that another node may start is promised to end with the contact, once Docker no longer starts it by itself", () => {
  const writable = specWith({ network: "host" });
  const own = decided("app", writable, [instance("aaaa", "nas", writable)]);
  const local = { ...healthy, voters: 3 };
  const begun = carry(own, { ...local, containers: [docker("app", "aaaa", writable)] });
  assert.deepEqual([verbs(begun)[0], begun.instances[0]?.observed.fenced], ["SetRestartPolicy", undefined]);
  const held = carry(own, { ...local, containers: [docker("app", "aaaa", writable, { restartPolicy: "no" })] });
  assert.deepEqual([verbs(held), held.instances[0]?.observed.fenced], [[], true]);
});

test("a promise stands until the house has heard otherwise: Docker starts nothing before", () => {
  const writable = specWith({ network: "host" });
  const own = decided("app", writable, [instance("aaaa", "nas", writable)]);
  const containers = [docker("app", "aaaa", writable, { restartPolicy: "no" })];
  const promised = seen({ bootId: "boot-nas", instances: [observedInstance("aaaa", { fenced: true })] });
  const taken = carry(own, { ...healthy, voters: 1, containers, reported: promised });
  assert.deepEqual([verbs(taken), taken.instances[0]?.observed.fenced], [[], undefined]);
  const told = seen({ bootId: "boot-nas", instances: [observedInstance("aaaa")] });
  assert.deepEqual(verbs(carry(own, { ...healthy, voters: 1, containers, reported: told })), ["SetRestartPolicy"]);
});

test("what is promised starts only once the house has the promise, and knows that this node is here", () => {
  const writable = specWith({ network: "host" });
  const own = decided("app", writable, [instance("aaaa", "nas", writable)]);
  const local = { ...healthy, voters: 3, images: { "app:1": image }, containers: [] };
  const house = { nodes: [nodeFacts("nas"), nodeFacts("pi")] };
  const told = (fenced: boolean) =>
    seen({ bootId: "boot-nas", instances: [observedInstance("aaaa", { ready: false, ...(fenced && { fenced }) })] });
  assert.deepEqual(verbs(carry(own, { ...local, reported: told(false) }, house)), []);
  assert.deepEqual(verbs(carry(own, { ...local, reported: told(true) }, house)), ["CreateContainer"]);
  assert.deepEqual(verbs(carry(own, { ...local, reported: told(true), inContact: false }, house)), []);
});

const ordered = specWith({}, { after: ["db"] });
const comingFirst: Partial<HouseFacts> = {
  others: new Map([["db", { replicas: 1, after: [], decided: undefined, observed: new Map() }]]),
};
const here = { images: { "app:1": image } } satisfies Partial<LocalFacts>;

test("an instance that waits for another Service begins to count when it could start, and says what it waits for", () => {
  const value = decided("app", ordered, [instance("aaaa", "nas", ordered)]);
  assert.deepEqual(verbs(carry(value, {}, comingFirst)), ["PullImage"]);
  const { actions, instances, recheckAfterMs } = carry(value, here, comingFirst);
  assert.deepEqual(actions, [{ kind: "BeginWait", service: "app", instance: "aaaa" }]);
  assert.deepEqual(
    [instances[0]?.quiet, instances[0]?.observed.conditions[0]?.reason, instances[0]?.observed.containers[0]?.detail],
    [false, "Waiting", "waits for db (no node runs it yet)"],
  );
  assert.equal(recheckAfterMs, ORDER_WAIT_MS);
  const counted = { ...here, jobs: { [jobKeys.order("app", "aaaa")]: { state: "done", atMs: NOW } } } satisfies Partial<LocalFacts>;
  assert.deepEqual(verbs(carry(value, counted, comingFirst)), []);
});

test("what serves makes room for an update only when nothing else comes first", () => {
  const spec = specWith({ network: "host" }, { after: ["db"] });
  const value = decided("app", spec, [instance("aaaa", "nas", spec)]);
  const running = { ...here, containers: [docker("app", "bbbb", spec, { restartPolicy: "no" })] };
  assert.deepEqual(verbs(carry(value, running, comingFirst)), ["BeginWait"]);
  assert.deepEqual(verbs(carry(value, running)), ["RemoveContainer"]);
});

test("Docker starts nothing by itself that comes after other Services, and again what no longer does", () => {
  const after = carry(decided("app", ordered, [instance("aaaa", "nas", ordered)]), {
    ...healthy,
    containers: [docker("app", "aaaa", ordered)],
  });
  assert.deepEqual(
    after.actions.map((action) => action.kind === "SetRestartPolicy" && action.policy),
    ["no"],
  );
  const before = carry(decided("app", free, [instance("aaaa", "nas", free)]), {
    ...healthy,
    containers: [docker("app", "aaaa", free, { restartPolicy: "no" })],
  });
  assert.deepEqual(
    before.actions.map((action) => action.kind === "SetRestartPolicy" && action.policy),
    ["on-failure"],
  );
});
