// What one container of an instance needs next: its image, to be made, to be started, or to be left alone; and what people should know.
import { durationMs } from "../../src/api/durations.ts";
import { containerName } from "../../src/api/labels.ts";
import type { Condition, Name } from "../../src/api/resource.ts";
import { secretsOf } from "../../src/api/service-rules.ts";
import type { AdvertisedDevice, DecidedInstance, ObservedContainer } from "../../src/api/state.ts";
import type { Container, ServiceSpec } from "../../src/api/types.ts";
import type { LocalAction } from "./actions.ts";
import { crashLoop, failure, problem, unhealthy } from "./complaints.ts";
import { hostPathsOf } from "./container-spec.ts";
import type { JobState } from "./docker-types.ts";
import { earliest } from "./earliest.ts";
import type { LocalContainer, LocalFacts } from "./facts.ts";
import { healthOf } from "./health.ts";
import { jobKeys } from "./job-keys.ts";
import type { Order } from "./order.ts";
import { isFor } from "./platform.ts";
import { QUICK_ENDS_LUCKY, STABLE_MS } from "./quick-ends.ts";
import { isLoop } from "./reasons.ts";
import { containerHash } from "./spec-hash.ts";
import { isPlainPath, networkOf } from "./traits.ts";

const PULL_RETRY_MS = 10_000;
const RETRY_MS = 1_000;
const RETRY_MAX_MS = 300_000;
/** While Docker is to tell that something goes on: its events are hints, and may be missed. */
const DOCKER_RECHECK_MS = 5_000;
/** Nothing tells when a person makes the folder that was missing. */
const LACK_RECHECK_MS = 5_000;
/** A pull that takes longer is worth telling the other nodes. */
export const SLOW_PULL_MS = 2_000;

export interface Surroundings {
  readonly service: Name;
  readonly spec: ServiceSpec;
  readonly instance: DecidedInstance;
  readonly local: LocalFacts;
  /** Those of this instance. */
  readonly containers: readonly LocalContainer[];
  readonly devices: readonly AdvertisedDevice[];
  /** Why nothing may be started yet: the house must know first. */
  readonly blocked: string | undefined;
  /** Why nothing may be started yet that otherwise could: an older instance still runs. */
  readonly crowded: string | undefined;
  /** Whether other Services come first. */
  readonly order: Order;
  readonly now: number;
}

export interface Effort {
  readonly observed: ObservedContainer;
  /** It serves, or has done what it is for: those that wait for it may start. */
  readonly up: boolean;
  readonly conditions: readonly Condition[];
  readonly action?: LocalAction;
  readonly recheckAfterMs?: number | undefined;
  /** Something that people wait for is under way. */
  readonly slow?: boolean;
  /** It could start but for other Services. */
  readonly isNext?: boolean;
}

/** `up`: containers of the instance that others may rely on. */
export function effortFor(container: Container, around: Surroundings, up: ReadonlySet<string>): Effort {
  const docker = around.containers.find((each) => each.container === container.name);
  if (docker === undefined) return doneBefore(container, around) ?? bring(container, around, up);
  const isStale =
    docker.specHash !== containerHash(around.spec, container) || docker.state === "dead" || hasLostNetwork(container, docker, around);
  if (isStale || docker.state === "removing") return discard(container, docker, around);
  switch (docker.state) {
    case "created":
      return begin(container, docker, around, up);
    case "running":
    case "paused":
      return attend(container, docker, around);
    case "restarting":
      return {
        ...still(container, docker, "restarting"),
        conditions: docker.quickEnds > QUICK_ENDS_LUCKY ? [crashLoop(container, docker, around)] : [],
        recheckAfterMs: DOCKER_RECHECK_MS,
      };
    case "exited":
      return afterExit(container, docker, around, up);
  }
}

/** It has done what it is for, as this node told, and was cleared away since: `docker container prune` takes whatever has ended. */
export function doneBefore({ name, run }: Container, { local, instance }: Pick<Surroundings, "local" | "instance">): Effort | undefined {
  const { value } = local.reported ?? {};
  // A computer that took another one's name and place has the other one's word, of another boot.
  const ofNow = value?.bootId === local.bootId ? value.instances : [];
  const told = ofNow.find(({ id }) => id === instance.id)?.containers.find((each) => each.name === name);
  const isDone = run === "once" && told?.phase === "exited" && told.exitCode === 0;
  return isDone ? { observed: told, up: true, conditions: [] } : undefined;
}

/** Not there yet: its image first, then all that it stands on. */
function bring(container: Container, around: Surroundings, up: ReadonlySet<string>): Effort {
  const pull = pullEffort(container, around);
  if (pull !== undefined) return pull;
  const problem = lacks(container, around);
  if (problem !== undefined) return { ...absent(container, "waiting"), conditions: [problem], recheckAfterMs: LACK_RECHECK_MS };
  const wait = waitsFor(container, around, up);
  if (wait !== undefined) return { ...absent(container, "waiting", wait.why), ...wait.order };
  const { service, instance } = around;
  const name = containerName(service, instance.id, container.name);
  const action: LocalAction = { kind: "CreateContainer", name, service, instance: instance.id, container: container.name };
  return attempt(absent(container, "waiting"), {
    container,
    around,
    job: around.local.jobs[jobKeys.create(name)],
    action,
    retryMs: RETRY_MS,
  });
}

function pullEffort(container: Container, around: Surroundings): Effort | undefined {
  const { service, instance, local, now } = around;
  const { image, pull, platform } = container;
  const key = jobKeys.pull(service, instance.id, image);
  const job = local.jobs[key];
  const found = local.images[image];
  const isOther = found !== undefined && !isFor(platform, found);
  const isPresent = found !== undefined && (!isOther || job?.state === "done");
  // `always` means once for each instance.
  if (isPresent && (pull !== "always" || job?.state === "done")) return undefined;
  if (pull === "never") {
    const of = isOther ? ` for ${platform}` : "";
    const message = `Image '${image}' is not on this machine${of}, and 'pull: never' forbids to ask a registry. Load it, or allow pulls`;
    return { ...absent(container, "waiting"), conditions: [problem("ImageNotFound", container, around, message)] };
  }
  const action: LocalAction = { kind: "PullImage", service, image, key, ...(platform !== undefined && { platform }) };
  const tried = attempt(absent(container, "pulling"), { container, around, job, action, retryMs: PULL_RETRY_MS });
  const why = isOther ? `. What this machine has of it is for ${found.arch}, not for ${platform}` : "";
  const effort = { ...tried, conditions: tried.conditions.map((each) => ({ ...each, message: `${each.message}${why}` })) };
  if (job?.state !== "running") return effort;
  const slowInMs = job.sinceMs + SLOW_PULL_MS - now;
  return { ...effort, slow: slowInMs <= 0, recheckAfterMs: slowInMs > 0 ? slowInMs : undefined };
}

/** What this machine does not have. */
function lacks(container: Container, around: Surroundings): Condition | undefined {
  const { local, devices } = around;
  const path = lacksPath(container, around);
  if (path !== undefined) return path;
  const secret = secretsOf(container).find((each) => local.missingSecrets.includes(each));
  if (secret !== undefined) return problem("SecretMissing", container, around, `Secret '${secret}' does not exist yet`);
  const device = (container.devices ?? []).find(({ class: name }) => !isPlainPath(name) && !devices.some((each) => each.class === name));
  if (device === undefined) return undefined;
  return problem(
    "DeviceMissing",
    container,
    around,
    `Device '${device.class}' is not on this machine. Plug it in, or place the Service elsewhere`,
  );
}

/** Also of a container that was made before: a share may not be mounted yet. */
function lacksPath(container: Container, around: Surroundings): Condition | undefined {
  const path = hostPathsOf(container).find((each) => around.local.missingPaths.includes(each));
  if (path === undefined) return undefined;
  return problem("HostPathMissing", container, around, `'${path}' does not exist on this machine. Make the folder, or correct the path`);
}

interface Wait {
  readonly why: string;
  readonly order?: Pick<Effort, "isNext" | "recheckAfterMs">;
}

/** Why it may not start yet; undefined: it may. */
function waitsFor(container: Container, { spec, blocked, crowded, order }: Surroundings, up: ReadonlySet<string>): Wait | undefined {
  if (blocked !== undefined) return { why: blocked };
  // What serves makes room when its turn has come, not before.
  if (order.waits !== undefined) return { why: order.waits.message, order: { isNext: true, recheckAfterMs: order.recheckAfterMs } };
  if (crowded !== undefined) return { why: crowded };
  const network = networkOf(container);
  const needed = [...(container.after ?? []), ...(network === undefined ? [] : [network])];
  const missing = needed.find((name) => !up.has(name) && spec.containers.some((each) => each.name === name));
  return missing === undefined ? undefined : { why: `waits for ${missing}` };
}

function begin(container: Container, docker: LocalContainer, around: Surroundings, up: ReadonlySet<string>): Effort {
  const phase = still(container, docker, docker.state === "exited" ? "exited" : "created");
  const problem = lacksPath(container, around);
  if (problem !== undefined) return { ...phase, conditions: [problem], recheckAfterMs: LACK_RECHECK_MS };
  const wait = waitsFor(container, around, up);
  if (wait !== undefined) return { ...phase, observed: { ...phase.observed, detail: wait.why }, ...wait.order };
  const { service, instance } = around;
  const action: LocalAction = {
    kind: "StartContainer",
    name: docker.name,
    id: docker.id,
    service,
    instance: instance.id,
    container: container.name,
    ...(around.order.without !== undefined && { without: around.order.without }),
  };
  return attempt(phase, { container, around, job: around.local.jobs[jobKeys.start(docker.name)], action, retryMs: RETRY_MS });
}

export function attend(container: Container, docker: LocalContainer, around: Surroundings): Effort {
  const { health, detail } = healthOf(container.health, docker, around.local.probes[docker.id]);
  const seen = still(container, docker, "running");
  const observed: ObservedContainer = { ...seen.observed, health, ...(detail !== undefined && { detail }) };
  const told = toldLoop(container, around);
  const stableInMs = STABLE_MS - docker.ranMs;
  if (stableInMs > 0 && (docker.quickEnds > QUICK_ENDS_LUCKY || told.length > 0)) {
    // While it runs, Docker does not say how it ended last: what was told before stands, or waits for the next end.
    return { observed: { ...observed, phase: "restarting" }, up: false, conditions: told, recheckAfterMs: stableInMs };
  }
  const up = docker.state === "running" && container.run === "always" && (health === "none" || health === "healthy");
  const conditions = health === "unhealthy" ? [unhealthy(container, docker, detail, around)] : [];
  // Whoever looks then sees that it runs well, and holds no earlier end against it.
  const forgivenInMs = stableInMs > 0 && docker.quickEnds > 0 ? stableInMs : undefined;
  return { observed, up, conditions, recheckAfterMs: earliest([forgivenInMs, up ? undefined : DOCKER_RECHECK_MS]) };
}

/** The loop that this node told of the container. */
function toldLoop({ name }: Container, { spec, local, instance }: Surroundings): readonly Condition[] {
  const told = local.reported?.value.instances.find(({ id }) => id === instance.id)?.conditions ?? [];
  return told.filter(({ reason, message }) => isLoop(reason) && (spec.containers.length === 1 || message.startsWith(`${name}: `)));
}

/** Docker restarts what failed; what it leaves lying is started by us, in order. */
function afterExit(container: Container, docker: LocalContainer, around: Surroundings, up: ReadonlySet<string>): Effort {
  const seen = still(container, docker, "exited");
  if (container.run === "once" && docker.exitCode === 0) return { ...seen, up: true };
  if (container.restart === "no") {
    const message = `It ended with ${docker.exitCode}, and 'restart: no' forbids to start it again. Look at its logs`;
    return { ...seen, conditions: [problem("Exited", container, around, message)] };
  }
  if (docker.ranMs >= STABLE_MS) return begin(container, docker, around, up);
  const loops = docker.quickEnds > QUICK_ENDS_LUCKY || toldLoop(container, around).length > 0;
  const waitMs = (loops ? STABLE_MS : RETRY_MS) - docker.endedAgoMs;
  const conditions = loops ? [crashLoop(container, docker, around)] : [];
  const detail = `ended with ${docker.exitCode} soon after its start, and is started again`;
  if (waitMs > 0) {
    const observed = loops ? seen.observed : { ...seen.observed, detail };
    return { ...seen, observed, conditions, slow: true, recheckAfterMs: waitMs };
  }
  const again = begin(container, docker, around, up);
  return { ...again, conditions: [...conditions, ...again.conditions] };
}

function discard(container: Container, docker: LocalContainer, around: Surroundings): Effort {
  const action = removal(docker, around.service, durationMs(container.stopGrace));
  return attempt(still(container, docker, "removing"), {
    container,
    around,
    job: around.local.jobs[jobKeys.remove(docker.name)],
    action,
    retryMs: RETRY_MS,
  });
}

export function removal(docker: LocalContainer, service: Name, graceMs: number): LocalAction {
  return { kind: "RemoveContainer", name: docker.name, id: docker.id, service, graceMs };
}

/** Its network was another container's, which is gone or was started anew since. */
function hasLostNetwork(container: Container, docker: LocalContainer, { containers }: Surroundings): boolean {
  const name = networkOf(container);
  if (name === undefined) return false;
  const owner = containers.find((each) => each.container === name);
  return owner === undefined || (docker.state === "running" && owner.state === "running" && owner.startedMs > docker.startedMs);
}

interface Attempt {
  readonly container: Container;
  readonly around: Surroundings;
  readonly job: JobState | undefined;
  readonly action: LocalAction;
  readonly retryMs: number;
}

/** Begins what is not under way; after a failure says why, and tries again later and later. */
function attempt(effort: Effort, { container, around, job, action, retryMs }: Attempt): Effort {
  if (job?.state === "running") {
    // What failed is not over because it is tried again.
    const told = job.failedBefore && failure(job.failedBefore, container, around);
    return told === undefined ? effort : { ...effort, conditions: [...effort.conditions, told] };
  }
  if (job?.state !== "failed") return { ...effort, action };
  const waitMs = retryAtMs(job, retryMs) - around.now;
  const conditions = [...effort.conditions, failure(job.error, container, around)];
  return waitMs > 0
    ? { ...effort, conditions, recheckAfterMs: earliest([waitMs, effort.recheckAfterMs]) }
    : { ...effort, conditions, action };
}

export function retryAtMs(job: Extract<JobState, { readonly state: "failed" }>, retryMs = RETRY_MS): number {
  return job.atMs + Math.min(RETRY_MAX_MS, retryMs * 2 ** Math.min(job.tries - 1, 16));
}

function absent(container: Container, phase: ObservedContainer["phase"], detail?: string): Effort {
  return {
    observed: { name: container.name, phase, health: "none", restarts: 0, ...(detail !== undefined && { detail }) },
    up: false,
    conditions: [],
  };
}

export function still(container: Container, docker: LocalContainer, phase: ObservedContainer["phase"]): Effort {
  const observed: ObservedContainer = {
    name: container.name,
    phase,
    id: docker.id,
    health: "none",
    restarts: docker.restarts,
    imageId: docker.imageId,
    ...(docker.startedAt !== undefined && { startedAt: docker.startedAt }),
    ...(phase === "exited" && { exitCode: docker.exitCode }),
    ...(docker.outOfMemory && { outOfMemory: true }),
  };
  return { observed, up: false, conditions: [] };
}
