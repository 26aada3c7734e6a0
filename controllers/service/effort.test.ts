import assert from "node:assert/strict";
import { test } from "node:test";
import { EngineError, Refusal } from "../../src/api/errors.ts";
import type { Container } from "../../src/api/types.ts";
import { docker, instance, localFacts, seen, observedInstance } from "../../test/fakes/facts.ts";
import { containerSpec, serviceSpec } from "../../test/fakes/objects.ts";
import type { ImageInfo } from "./docker-types.ts";
import { effortFor, retryAtMs, SLOW_PULL_MS, type Surroundings } from "./effort.ts";
import type { LocalContainer, LocalFacts } from "./facts.ts";
import type { JobState } from "./docker-types.ts";
import { jobKeys } from "./job-keys.ts";
import { STABLE_MS } from "./quick-ends.ts";

const NOW = 100_000;
const image: ImageInfo = { id: "sha256:1", digests: [], tags: [], arch: "amd64", hasHealthcheck: false, exposedTcpPorts: [], bytes: 1 };
const present = { images: { "app:1": image } };

interface Scene {
  readonly container?: Partial<Container>;
  readonly local?: Partial<LocalFacts>;
  readonly docker?: Partial<LocalContainer>;
  readonly around?: Partial<Surroundings>;
  readonly up?: readonly string[];
}

function effort({ container = {}, local = {}, docker: over, around = {}, up = [] }: Scene) {
  const spec = serviceSpec("app", "", {
    containers: [containerSpec("app", "app:1", container), containerSpec("db", "db:1")].slice(
      0,
      container.after || container.network ? 2 : 1,
    ),
  });
  const [app] = spec.containers;
  assert.ok(app);
  const containers = over === undefined ? [] : [docker("app", "aaaa", spec, over)];
  const surroundings: Surroundings = {
    service: "app",
    spec,
    instance: instance("aaaa", "nas", spec),
    local: localFacts(local),
    containers,
    devices: [],
    blocked: undefined,
    crowded: undefined,
    order: {},
    now: NOW,
    ...around,
  };
  return effortFor(app, surroundings, new Set(up));
}

const reason = (scene: Scene) => effort(scene).conditions.map((condition) => condition.reason);
const failed = (error: Error, atMs = NOW, tries = 1) => ({ state: "failed", error, atMs, tries }) as const;

test("an image that is not there is pulled, and one that is there is not asked for", () => {
  assert.equal(effort({}).action?.kind, "PullImage");
  assert.equal(effort({ local: present }).action?.kind, "CreateContainer");
});

test("an image that is there for another platform than the one asked for is pulled, once", () => {
  const container = { platform: "linux/arm64" };
  assert.equal(effort({ container, local: present }).action?.kind, "PullImage");
  assert.equal(effort({ container: { platform: "linux/amd64" }, local: present }).action?.kind, "CreateContainer");
  const jobs = { [jobKeys.pull("app", "aaaa", "app:1")]: { state: "done", atMs: 0 } } as const;
  assert.equal(effort({ container, local: { ...present, jobs } }).action?.kind, "CreateContainer", "there is no other: Docker says so");
  const unreachable = { [jobKeys.pull("app", "aaaa", "app:1")]: failed(new EngineError("registryUnreachable", "Cannot pull image")) };
  const [condition] = effort({ container, local: { ...present, jobs: unreachable } }).conditions;
  assert.equal(condition?.reason, "ImagePullFailed");
  assert.match(condition?.message ?? "", /for amd64, not for linux\/arm64$/);
  const [never] = effort({ container: { ...container, pull: "never" }, local: present }).conditions;
  assert.match(never?.message ?? "", /is not on this machine for linux\/arm64, and/);
});

test("pull: always pulls once for each instance, and pull: never says so", () => {
  const container = { pull: "always" as const };
  const key = jobKeys.pull("app", "aaaa", "app:1");
  assert.equal(effort({ container, local: present }).action?.kind, "PullImage");
  assert.equal(effort({ container, local: { ...present, jobs: { [key]: { state: "done", atMs: 0 } } } }).action?.kind, "CreateContainer");
  assert.deepEqual(reason({ container: { pull: "never" } }), ["ImageNotFound"]);
});

test("a pull under way is waited for, and told when it takes long", () => {
  const running = (sinceMs: number) => effort({ local: { jobs: { "pull app aaaa app:1": { state: "running", sinceMs } } } });
  assert.deepEqual(
    [running(NOW - 500).action, running(NOW - 500).slow, running(NOW - 500).recheckAfterMs],
    [undefined, false, SLOW_PULL_MS - 500],
  );
  assert.equal(running(NOW - SLOW_PULL_MS).slow, true);
  assert.equal(running(NOW).observed.phase, "pulling");
});

for (const [fault, expected] of [
  ["imageNotFound", "ImageNotFound"],
  ["platformMissing", "PlatformMissing"],
  ["registryRefused", "RegistryRefused"],
  ["rateLimited", "RateLimited"],
  ["registryUnreachable", "ImagePullFailed"],
  ["diskFull", "DiskFull"],
] as const) {
  test(`a pull that ends in ${fault} is ${expected}, and is tried again later`, () => {
    const jobs = { "pull app aaaa app:1": failed(new EngineError(fault, "Cannot pull image")) };
    const { conditions, action, recheckAfterMs } = effort({ local: { jobs } });
    assert.deepEqual([conditions[0]?.reason, action, recheckAfterMs], [expected, undefined, 10_000]);
    assert.equal(effort({ local: { jobs }, around: { now: NOW + 10_000 } }).action?.kind, "PullImage");
  });
}

test("each try waits twice as long, up to five minutes", () => {
  const waits = [1, 2, 3, 20].map((tries) => retryAtMs(failed(new Error("x"), 0, tries)));
  assert.deepEqual(waits, [1_000, 2_000, 4_000, 300_000]);
});

test("what the machine lacks is said before a container is made", () => {
  assert.deepEqual(
    reason({
      local: { ...present, missingPaths: ["/tank"] },
      container: { volumes: [{ type: "host", source: "/tank", path: "/x", readOnly: true }] },
    }),
    ["HostPathMissing"],
  );
  assert.deepEqual(reason({ local: { ...present, missingSecrets: ["app/db"] }, container: { env: { A: { secret: "app/db" } } } }), [
    "SecretMissing",
  ]);
  assert.deepEqual(reason({ local: present, container: { devices: [{ class: "gpu" }] } }), ["DeviceMissing"]);
  assert.deepEqual(reason({ local: present, container: { devices: [{ class: "/dev/net/tun" }] } }), []);
});

test("a refusal of this node keeps its own reason", () => {
  const jobs = { "create app-aaaa": failed(new Refusal("VolumeLost", "Cannot use volume 'app-config'")) };
  assert.deepEqual(reason({ local: { ...present, jobs } }), ["VolumeLost"]);
});

test("what failed is said also while it is tried again, until it comes further", () => {
  const error = new Refusal("VolumeLost", "Cannot use volume 'app-config'");
  const running = { state: "running", sinceMs: NOW } as const;
  const at = (job: JobState) => reason({ local: { ...present, jobs: { "create app-aaaa": job } } });
  assert.deepEqual([at({ ...running, failedBefore: error }), at(running)], [["VolumeLost"], []]);
});

test("a container waits for what it comes after, and for whose network it shares", () => {
  for (const container of [{ after: ["db"] }, { network: "container:db" }]) {
    const waiting = effort({ container, local: present });
    assert.deepEqual([waiting.action, waiting.observed.detail], [undefined, "waits for db"]);
    assert.equal(effort({ container, local: present, up: ["db"] }).action?.kind, "CreateContainer");
  }
});

test("nothing starts while an older instance blocks it, but its image is pulled", () => {
  for (const around of [{ blocked: "waits until the other nodes know" }, { crowded: "waits until the previous instance has stopped" }]) {
    assert.equal(effort({ local: present, around }).action, undefined);
    assert.equal(effort({ local: present, around, docker: { state: "created" } }).action, undefined);
    assert.equal(effort({ around }).action?.kind, "PullImage");
  }
});

test("it is the turn of what could start but for another Service, and of nothing that waits for more than that", () => {
  const waits = { type: "Ready", status: "False", reason: "Waiting", message: "waits for db (Starting on nas)" } as const;
  const around = { order: { waits, recheckAfterMs: 5_000 }, crowded: "waits until the previous instance has stopped" };
  const next = effort({ local: present, around });
  assert.deepEqual([next.action, next.isNext, next.observed.detail, next.recheckAfterMs], [undefined, true, waits.message, 5_000]);
  assert.equal(effort({ local: present, around, docker: { state: "created" } }).isNext, true);
  assert.equal(effort({ around }).isNext, undefined);
  assert.equal(effort({ local: present, around: { ...around, blocked: "waits until the other nodes know" } }).isNext, undefined);
});

test("what starts without another Service says so", () => {
  const { action } = effort({ docker: { state: "created" }, around: { order: { without: "db is stopped" } } });
  assert.equal(action?.kind === "StartContainer" && action.without, "db is stopped");
});

test("a container that was made is started, and one that runs well is left alone", () => {
  assert.equal(effort({ docker: { state: "created" } }).action?.kind, "StartContainer");
  const { action, up, conditions } = effort({ docker: {} });
  assert.deepEqual([action, up, conditions], [undefined, true, []]);
});

test("a container of another spec, a dead one, or one that lost its network is taken away", () => {
  assert.equal(effort({ docker: { specHash: "other" } }).action?.kind, "RemoveContainer");
  assert.equal(effort({ docker: { state: "dead" } }).action?.kind, "RemoveContainer");
  assert.equal(effort({ container: { network: "container:db" }, docker: {} }).action?.kind, "RemoveContainer");
});

test("a container is up when its check says so; until then it is starting, without a complaint", () => {
  const probed = (health: "starting" | "healthy" | "unhealthy") =>
    effort({ docker: {}, local: { probes: { "docker-aaaa-app": { health, sinceMs: 0, detail: "refused" } } } });
  assert.equal(probed("healthy").up, true);
  assert.deepEqual([probed("starting").up, probed("starting").conditions], [false, []]);
  assert.deepEqual([probed("unhealthy").up, probed("unhealthy").conditions[0]?.reason], [false, "PortNotListening"]);
});

test("a failing check that a person wrote is Unhealthy", () => {
  const health = { interval: "10s", timeout: "5s", retries: 3, startGrace: "30s", http: "/health", status: "200-399" };
  assert.deepEqual(
    reason({ container: { health }, docker: {}, local: { probes: { "docker-aaaa-app": { health: "unhealthy", sinceMs: 0 } } } }),
    ["Unhealthy"],
  );
});

test("restarts are a crash loop when there are many, and when memory ran out that is said", () => {
  assert.deepEqual(reason({ docker: { state: "restarting", quickEnds: 2 } }), []);
  assert.deepEqual(reason({ docker: { state: "restarting", quickEnds: 3, exitCode: 1 } }), ["CrashLoop"]);
  assert.deepEqual(reason({ docker: { state: "restarting", quickEnds: 3, outOfMemory: true } }), ["OutOfMemory"]);
});

test("what ran in a loop is up only after it has run for a while; until then stands what was told of its last end", () => {
  const early = effort({ docker: { quickEnds: 3, ranMs: STABLE_MS - 1_000 } });
  assert.deepEqual([early.up, early.conditions, early.recheckAfterMs], [false, [], 1_000]);
  assert.equal(effort({ docker: { quickEnds: 3, ranMs: STABLE_MS } }).up, true);
  const conditions = [{ type: "Ready", status: "False", reason: "CrashLoop", message: "last with 1" }] as const;
  const reported = seen({ bootId: "boot-nas", instances: [observedInstance("aaaa", { ready: false, conditions })] });
  const again = effort({ docker: { restarts: 0, ranMs: 0 }, local: { reported } });
  assert.deepEqual([again.up, again.conditions], [false, conditions]);
});

test("what ended is started again: at once after a good run, else after a while", () => {
  assert.equal(effort({ docker: { state: "exited", ranMs: 60_000 } }).action?.kind, "StartContainer");
  const quick = effort({ docker: { state: "exited", ranMs: 100, endedAgoMs: 4_000, quickEnds: 3 } });
  assert.deepEqual([quick.action, quick.recheckAfterMs, quick.conditions[0]?.reason], [undefined, STABLE_MS - 4_000, "CrashLoop"]);
  assert.equal(effort({ docker: { state: "exited", ranMs: 100, endedAgoMs: STABLE_MS } }).action?.kind, "StartContainer");
});

test("that it ended soon after its start once or twice is told, and no loop until it ends so again", () => {
  const at = (quickEnds: number, endedAgoMs = 400) =>
    effort({ docker: { state: "exited", exitCode: 0, ranMs: 100, endedAgoMs, quickEnds } });
  assert.deepEqual(
    [1, 2, 3].map((quickEnds) => at(quickEnds).conditions.map((each) => each.reason)),
    [[], [], ["CrashLoop"]],
  );
  assert.deepEqual(
    [at(1).action, at(1).slow, at(1).observed.detail],
    [undefined, true, "ended with 0 soon after its start, and is started again"],
  );
  assert.equal(at(1, 1_000).action?.kind, "StartContainer");
  const again = effort({ docker: { ranMs: 4_000, quickEnds: 2 } });
  assert.deepEqual([again.up, again.recheckAfterMs], [true, STABLE_MS - 4_000]);
});

test("a loop that was told is one until it has run for a while, whoever counts anew", () => {
  const conditions = [{ type: "Ready", status: "False", reason: "CrashLoop", message: "last with 1" }] as const;
  const reported = seen({ bootId: "boot-nas", instances: [observedInstance("aaaa", { ready: false, conditions })] });
  const ended = { state: "exited", exitCode: 1, endedAgoMs: 4_000, quickEnds: 1 } as const;
  assert.deepEqual(reason({ docker: { ...ended, ranMs: 100 }, local: { reported } }), ["CrashLoop"]);
  assert.deepEqual(reason({ docker: { ...ended, ranMs: STABLE_MS }, local: { reported } }), []);
});

test("what was made before its share was mounted is not started without it", () => {
  const container = { volumes: [{ type: "host", source: "/tank", path: "/x", readOnly: true }] } satisfies Partial<Container>;
  for (const state of ["created", "exited"] as const) {
    const at = (missingPaths: readonly string[]) => effort({ container, docker: { state }, local: { missingPaths } });
    assert.deepEqual([at(["/tank"]).action, at(["/tank"]).conditions[0]?.reason], [undefined, "HostPathMissing"]);
    assert.equal(at([]).action?.kind, "StartContainer");
  }
});

test("what was done once is done, although its container was cleared away", () => {
  const told = (exitCode: number, bootId = "boot-nas") => {
    const containers = [{ name: "app", phase: "exited", health: "none", restarts: 0, exitCode, id: "docker-aaaa-app" }] as const;
    return { ...present, reported: seen({ bootId, instances: [observedInstance("aaaa", { containers })] }) };
  };
  const container = { run: "once" } as const;
  const done = effort({ container, local: told(0) });
  assert.deepEqual([done.up, done.action, done.observed.phase, done.observed.exitCode], [true, undefined, "exited", 0]);
  assert.equal(effort({ container, local: told(1) }).action?.kind, "CreateContainer");
  assert.equal(effort({ container, local: told(0, "of another computer") }).action?.kind, "CreateContainer");
  assert.equal(effort({ local: told(0) }).action?.kind, "CreateContainer", "what is to run always is made anew");
});

test("run: once is done when it ended with 0, and up only then", () => {
  const container = { run: "once" as const };
  assert.deepEqual(
    [
      effort({ container, docker: { state: "exited", exitCode: 0 } }).up,
      effort({ container, docker: { state: "exited", exitCode: 0 } }).action,
    ],
    [true, undefined],
  );
  assert.equal(effort({ container, docker: {} }).up, false);
  assert.equal(effort({ container, docker: { state: "exited", exitCode: 1 } }).action?.kind, "StartContainer");
});

test("restart: no leaves what ended as it is, and says so", () => {
  const { action, conditions } = effort({ container: { restart: "no" }, docker: { state: "exited", exitCode: 3 } });
  assert.deepEqual([action, conditions[0]?.reason], [undefined, "Exited"]);
});
