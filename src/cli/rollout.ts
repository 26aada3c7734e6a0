// What a person who waits wants to know of an object that was applied: its steps, and how it ends. Pure, from what the server says.
import type { Condition, NodeName } from "../api/resource.ts";
import { reference } from "../api/kinds.ts";
import { needsPerson } from "../api/lasting.ts";
import type { InstanceStatus, ServiceStatus } from "../api/status.ts";
import { ownVolumes } from "../api/volume-names.ts";
import type { PullReport, ServedObject, ServedResource } from "../api/wire.ts";
import { conditionsOf, ready, statusOf } from "./columns.ts";

export interface Step {
  /** The same for the same thing, so that its changes are seen. */
  readonly key: string;
  readonly state: "todo" | "busy" | "done" | "failed";
  readonly text: string;
  readonly pull?: PullReport;
}

/** Pulls that run, and the last reports of those that ended. */
export interface Pulls {
  readonly running: readonly PullReport[];
  readonly ended: readonly PullReport[];
}

export type Outcome =
  | { readonly state: "ready"; readonly url?: string; readonly unheld?: string }
  | { readonly state: "failed"; readonly reason: string; readonly message: string }
  | { readonly state: "waiting"; readonly reason: string; readonly message: string };

const PULL_FAILED: ReadonlySet<string> = new Set(["ImageNotFound", "PlatformMissing", "ImagePullFailed", "RegistryRefused", "RateLimited"]);
/** Until a person says so, nothing more happens. */
const PAUSED = "Paused";
/** Not ready, and as it was asked for. */
const STOPPED = "Stopped";

/** Of that generation: what is said of an older one says nothing. */
export function outcomeOf(object: ServedObject | undefined, generation: number): Outcome {
  if (object === undefined) return { state: "waiting", reason: "Unknown", message: "not seen yet" };
  const conditions = conditionsOf(object).filter((condition) => (condition.observedGeneration ?? generation) >= generation);
  const stalled = conditions.find((condition) => condition.type === "Stalled" && condition.status === "True");
  if (stalled) return { state: "failed", ...said(stalled) };
  // While an update is under way its predecessor may be what serves.
  const changing = conditions.find((condition) => condition.type === "Reconciling" && condition.status === "True");
  if (changing?.reason === PAUSED) return { state: "failed", ...said(changing) };
  const isReady = conditions.find((condition) => condition.type === "Ready");
  if (isReady && !changing && isCurrent(object, generation)) {
    const unheld = conditions.find((condition) => condition.type === "DataHeld" && condition.status === "False");
    if (isReady.status === "True") return { state: "ready", ...urlOf(object), ...(unheld && { unheld: unheld.message }) };
    if (isReady.reason === STOPPED) return { state: "ready" };
    const lasting = lastingOf(object, isReady, generation);
    if (lasting) return { state: "failed", ...lasting };
  }
  return { state: "waiting", ...said(changing ?? isReady ?? ready(object)) };
}

export function stepsOf(object: ServedObject | undefined, pulls: Pulls, generation: number): readonly Step[] {
  if (object?.kind !== "Service") return [];
  const status = statusOf(object);
  const instances = (status?.instances ?? []).filter((instance) => instance.generation >= generation);
  const isReady = outcomeOf(object, generation).state === "ready";
  return [
    ...volumeStep(object, instances),
    ...imageSteps(object, pulls, instances),
    ...instances.flatMap(instanceSteps),
    ...routeStep(status, isReady),
  ];
}

/** Where it goes, and why there. */
export function placementOf(object: ServedObject | undefined): { readonly nodes: readonly NodeName[]; readonly why: string } {
  const status = object?.kind === "Service" ? statusOf(object) : undefined;
  const chosen = (status?.placement ?? []).filter((reason) => reason.chosen);
  return { nodes: status?.nodes ?? [], why: chosen.length === 1 ? (chosen[0]?.reason ?? "") : "" };
}

/** An instance of an older generation may be in trouble because of what was just mended. */
function lastingOf(
  object: ServedObject,
  isReady: Condition,
  generation: number,
): { readonly reason: string; readonly message: string } | undefined {
  const instances = object.kind === "Service" ? (statusOf(object)?.instances ?? []) : [];
  const troubled = instances.find((instance) => instance.generation >= generation && !instance.ready && needsPerson(instance.reason));
  if (troubled) return { reason: troubled.reason, message: troubled.message };
  return instances.length === 0 && needsPerson(isReady.reason) ? said(isReady) : undefined;
}

function isCurrent(object: ServedObject, generation: number): boolean {
  return !("generation" in object.metadata) || object.metadata.generation >= generation;
}

function said(condition: Condition | undefined): { readonly reason: string; readonly message: string } {
  return { reason: condition?.reason ?? "Unknown", message: condition?.message ?? "" };
}

function urlOf(object: ServedObject): { readonly url?: string } {
  const url = object.kind === "Service" || object.kind === "Route" ? statusOf(object)?.url : undefined;
  return url === undefined ? {} : { url };
}

type Service = Extract<ServedResource, { readonly kind: "Service" }>;

function volumeStep(service: Service, instances: readonly InstanceStatus[]): readonly Step[] {
  const names = ownVolumes(service.metadata.name, service.spec);
  if (names.length === 0) return [];
  const made = instances.some(({ containers }) => containers.some(({ id }) => id !== undefined));
  return [{ key: "volumes", state: made ? "done" : "todo", text: `volume${names.length > 1 ? "s" : ""} ${names.join(", ")}` }];
}

function imageSteps(service: Service, pulls: Pulls, instances: readonly InstanceStatus[]): readonly Step[] {
  const images = [...new Set(service.spec.containers.map(({ image }) => image))];
  const isThis = (image: string) => (report: PullReport) => report.service === service.metadata.name && report.image === image;
  return images.map((image) => {
    const running = pulls.running.find(isThis(image));
    const pull = running ?? pulls.ended.find(isThis(image));
    const users = instances.flatMap(({ containers }) => containers.filter((container) => container.image === image));
    const there = instances.some((instance) => instance.ready) || (users.length > 0 && users.every(({ id }) => id !== undefined));
    const failed = instances.some(({ reason }) => PULL_FAILED.has(reason));
    const state = there
      ? "done"
      : running || users.some((container) => container.state === "pulling")
        ? "busy"
        : failed
          ? "failed"
          : pull
            ? "done"
            : "todo";
    return { key: `image ${image}`, state, text: `image ${image}`, ...(pull && { pull }) };
  });
}

function instanceSteps(instance: InstanceStatus): readonly Step[] {
  const { name, containers } = instance;
  const running = containers.length > 0 && containers.every(({ state }) => state === "running" || state === "exited");
  const broken = containers.some(({ state }) => state === "restarting");
  const container: Step = {
    key: `container ${name}`,
    state: broken ? "failed" : running ? "done" : containers.some(({ id }) => id !== undefined) ? "busy" : "todo",
    text: `container ${name} on ${instance.node}`,
  };
  const checked = containers.filter(({ health }) => health !== "none");
  if (checked.length === 0) return [container];
  const healthy = instance.ready || checked.every(({ health }) => health === "healthy");
  const state = healthy ? "done" : checked.some(({ health }) => health === "unhealthy") ? "failed" : running ? "busy" : "todo";
  return [container, { key: `health ${name}`, state, text: `health of ${name}` }];
}

function routeStep(status: ServiceStatus | undefined, isReady: boolean): readonly Step[] {
  return status?.url === undefined ? [] : [{ key: "route", state: isReady ? "done" : "todo", text: `route ${status.url}` }];
}

export function refOf(object: { readonly kind: ServedObject["kind"]; readonly name: string }): string {
  return reference(object.kind, object.name);
}
