// After a power cut: which apps are not back yet, and why. Pure.
import type { Condition, Name, NodeName } from "../api/resource.ts";
import type { ServiceStatus } from "../api/status.ts";

/** So long after this computer's start its apps are "not back" rather than broken. */
export const COMING_BACK_MS = 15 * 60_000;
const NAMED_MAX = 6;

/** Of whose node nothing is known, or that it is lost, what it last said of its apps is of before. */
export type NodeState = "there" | "not back" | "lost";

export interface AppNow {
  readonly name: Name;
  readonly status: ServiceStatus;
}

export interface NotBack {
  readonly name: Name;
  readonly why: string;
}

export function notBack(apps: readonly AppNow[], stateOf: (node: NodeName) => NodeState): readonly NotBack[] {
  return apps.flatMap(({ name, status }) => {
    if (status.replicas === 0) return [];
    const away = status.instances.find(({ node }) => stateOf(node) !== "there");
    const serving = status.instances.filter(({ ready, node }) => ready && stateOf(node) === "there").length;
    if (serving >= status.replicas) return [];
    const ready = status.conditions.find(({ type }) => type === "Ready");
    return [{ name, why: away === undefined ? wordsFor(ready) : whyAway(away.node, stateOf(away.node)) }];
  });
}

/** `2 of 12 apps are not back yet: films: its image is not here, and the registry does not answer; photos: its node nuc is not back` */
export function sentenceOf(missing: readonly NotBack[], apps: number): string {
  const named = missing.slice(0, NAMED_MAX).map(({ name, why }) => `${name}: ${why}`);
  const more = missing.length > NAMED_MAX ? [`and ${missing.length - NAMED_MAX} more`] : [];
  return `${missing.length} of ${apps} ${apps === 1 ? "app" : "apps"} ${missing.length === 1 ? "is" : "are"} not back yet: ${[...named, ...more].join("; ")}`;
}

function whyAway(node: NodeName, state: NodeState): string {
  return state === "lost" ? `its node ${node} is lost` : `its node ${node} is not back`;
}

const WORDS: Readonly<Record<string, string>> = {
  ImagePullFailed: "its image is not here, and the registry does not answer",
  Pulling: "its image is being pulled",
  Starting: "it is starting",
  DockerUnavailable: "Docker does not answer on its node",
};

function wordsFor(ready: Condition | undefined): string {
  if (ready === undefined) return "nothing is known of it";
  return WORDS[ready.reason] ?? (ready.message === "" ? ready.reason : ready.message);
}
