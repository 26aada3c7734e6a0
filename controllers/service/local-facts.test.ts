import assert from "node:assert/strict";
import { test } from "node:test";
import { keys } from "../../src/api/keys.ts";
import { VirtualClock } from "../../test/fakes/clock.ts";
import { decided, docker, instance, observedInstance } from "../../test/fakes/facts.ts";
import { mirrorOf } from "../../test/fakes/mirror.ts";
import { nodeRecord, put, serviceSpec } from "../../test/fakes/objects.ts";
import { FakeProbes } from "../../test/fakes/probes.ts";
import { aged, firstAnnounced, holdersOf, jobStates, probeStates, strayAddresses } from "./local-facts.ts";
import { partsOn } from "./parts.ts";

const spec = serviceSpec("app", "app:1");
const value = decided("app", spec, [instance("aaaa", "nas", spec)]);
const wallMs = Date.parse("2026-01-01T01:00:00Z");
const identity = { node: "nas", nodeId: "id", bootId: "boot", bootedAtMs: 0 };
const times = { wallMs, bootedMs: Date.parse("2026-01-01T00:30:00Z") };

/** Without what is made of it. */
function asToldByDocker() {
  const {
    startedMs: _startedMs,
    ranMs: _ranMs,
    endedAgoMs: _endedAgoMs,
    quickEnds: _quickEnds,
    ...container
  } = docker("app", "aaaa", spec);
  return container;
}

test("aged() tells how long a container has run, or ran and when it ended", () => {
  const container = asToldByDocker();
  const startedAt = "2026-01-01T00:50:00Z";
  assert.equal(aged({ ...container, startedAt }, times).ranMs, 600_000);
  const ended = aged({ ...container, state: "exited", startedAt, finishedAt: "2026-01-01T00:51:00Z" }, times);
  assert.deepEqual([ended.ranMs, ended.endedAgoMs], [60_000, 540_000]);
  const restarting = aged({ ...container, state: "restarting", startedAt, finishedAt: "2026-01-01T00:50:02Z" }, times);
  assert.equal(restarting.ranMs, 2_000, "it waits to be started again");
  assert.equal(aged({ ...container, state: "created" }, times).startedMs, 0);
});

test("aged() does not blame what ran before the boot for its end", () => {
  const container = asToldByDocker();
  // Docker says of a power cut's that it ended with 255 when its daemon found it.
  const cut = { ...container, state: "exited", exitCode: 255, finishedAt: "2026-01-01T00:30:02Z" } as const;
  assert.equal(aged({ ...cut, startedAt: "2026-01-01T00:29:58Z" }, times).ranMs, Infinity);
  assert.equal(aged({ ...cut, startedAt: "2026-01-01T00:30:01Z" }, times).ranMs, 1_000);
});

test("aged() waits for nothing where the machine's date was set back meanwhile", () => {
  const container = asToldByDocker();
  const startedAt = "2026-01-01T01:30:00Z";
  assert.equal(aged({ ...container, startedAt }, times).ranMs, Infinity);
  const ended = aged({ ...container, state: "exited", startedAt, finishedAt: "2026-01-01T01:30:01Z" }, times);
  assert.deepEqual([ended.ranMs, ended.endedAgoMs], [Infinity, Infinity], "with the computer, maybe: it is blamed for nothing");
  assert.equal(aged({ ...container, startedAt: "2026-01-01T01:00:01Z" }, times).ranMs, 0, "looked at a moment ago");
  const after = aged({ ...container, startedAt: "2026-01-01T00:59:00Z" }, times);
  assert.ok(aged({ ...container, startedAt }, times).startedMs < after.startedMs, "what started by the later date started first");
});

test("jobStates() has each job under its key", () => {
  const jobs = {
    get: (key: string) => (key === "a" ? ({ state: "done", atMs: 1 } as const) : undefined),
    start: () => {},
    forget: () => {},
  };
  assert.deepEqual(jobStates(["a", "b"], { jobs }), { a: { state: "done", atMs: 1 }, b: undefined });
});

test("strayAddresses() are taken for what is neither here nor decided", async () => {
  const mirror = await mirrorOf((etcd) => put(etcd, keys.decided("Service", "app"), value));
  const addresses = { keys: () => ["app-aaaa", "app-bbbb", "app-cccc", "web-dddd"] };
  assert.deepEqual(strayAddresses("app", ["app-cccc"], { addresses, mirror, identity }), ["app-bbbb"]);
});

test("strayAddresses() of a name are not those of a longer one that begins with it, also where that is decided no more", async () => {
  const addresses = { keys: () => ["app-aaaa", "app-bbbb", "app-db-cccc", "app-old-dddd", "app-gone-eeee"] };
  const mirror = await mirrorOf((etcd) => {
    put(etcd, keys.decided("Service", "app"), value);
    put(etcd, keys.decided("Service", "app-db"), decided("app-db", spec, []));
    put(etcd, keys.observed("Service", "app-old", "nas"), { bootId: "boot", instances: [observedInstance("dddd")] });
  });
  assert.deepEqual(strayAddresses("app", [], { addresses, mirror, identity }), ["app-bbbb", "app-gone-eeee"]);
});

test("holdersOf() finds Services of which nothing is left but an address", () => {
  assert.deepEqual(holdersOf(["app-aaaa", "my-web-bbbb", "app-cccc-db"], ["app"]), ["my", "my-web"]);
});

test("probeStates() begins checks of what runs, and ends those of what does not", async () => {
  const mirror = await mirrorOf(() => {});
  const clock = new VirtualClock();
  const probes = new FakeProbes({ clock, answers: () => true, wake: () => {} });
  const parts = partsOn("nas", "app", value);
  const look = (state: "running" | "exited") =>
    probeStates("app", parts, [docker("app", "aaaa", spec, { state })], { probes, mirror, identity });
  assert.equal(look("running")["docker-aaaa-app"]?.health, "starting");
  await clock.advance(1_000);
  assert.equal(look("running")["docker-aaaa-app"]?.health, "healthy");
  assert.deepEqual(look("exited"), {});
  assert.equal(look("running")["docker-aaaa-app"]?.health, "starting", "it began anew");
});

test("a node has announced itself when the store first had its record, however often it is written again", async () => {
  const clock = new VirtualClock();
  const mirror = await mirrorOf((etcd) => put(etcd, keys.node("nas"), nodeRecord("nas", "boot")));
  const at = (revision: number | undefined) => firstAnnounced({ mirror, identity, clock, lease: { writtenAt: () => revision } });
  assert.equal(at(undefined), undefined, "a mirror shows what was only said");
  await clock.advance(1_000);
  assert.deepEqual(at(7), { revision: 7, atMs: 1_000 });
  await clock.advance(1_000);
  assert.deepEqual(at(9), { revision: 7, atMs: 1_000 });
});
