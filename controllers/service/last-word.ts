// What is said of containers while their engine does not answer: its last word, as far as the kernel and the agent's own checks do not
// know better. Nothing is done to them meanwhile. `remember` and `recall` keep what was heard, in memory; the rest is pure.
import { containerName } from "../../src/api/labels.ts";
import type { Condition, Name, NodeName } from "../../src/api/resource.ts";
import type { ObservedContainer, ObservedInstance, ObservedService } from "../../src/api/state.ts";
import type { Container } from "../../src/api/types.ts";
import { problem } from "./complaints.ts";
import type { Ports } from "../../src/engine/contract.ts";
import { attend, still, type Effort, type Surroundings } from "./effort.ts";
import type { HeardContainer, LocalContainer, LocalFacts } from "./facts.ts";
import { EXPLANATION } from "./reasons.ts";

const PHASE: Readonly<Record<LocalContainer["state"], ObservedContainer["phase"]>> = {
  created: "created",
  running: "running",
  paused: "running",
  restarting: "restarting",
  exited: "exited",
  dead: "exited",
  removing: "removing",
};

/** Of each Service, while its engine answers. */
const lastWords = new WeakMap<Ports["containers"], Map<Name, readonly HeardContainer[]>>();

function wordsOf({ containers }: Pick<Ports, "containers">): Map<Name, readonly HeardContainer[]> {
  const words = lastWords.get(containers) ?? new Map<Name, readonly HeardContainer[]>();
  lastWords.set(containers, words);
  return words;
}

/** The engine speaks: there is nothing to recall. */
export function remember(name: Name, containers: readonly LocalContainer[], ports: Pick<Ports, "containers">): readonly HeardContainer[] {
  const words = wordsOf(ports);
  const heard = containers.map((each): HeardContainer => ({ ...each, hasEnded: false }));
  if (heard.length === 0) words.delete(name);
  else words.set(name, heard);
  return [];
}

/** What an engine that is silent said last: to this process, or to the one before it. */
export function recall(
  name: Name,
  told: { readonly report: ObservedService | undefined; readonly bootId: string },
  ports: Pick<Ports, "containers" | "system">,
): readonly HeardContainer[] {
  const words = wordsOf(ports);
  const heard = stillHeard(words.get(name) ?? heardInReport(name, told.report, told.bootId), ports.system.runningContainers());
  if (heard.length > 0) words.set(name, heard);
  return heard;
}

/** `running`: containers that have processes now, undefined: nobody can tell. What was seen to have ended does not come back unheard. */
export function stillHeard(heard: readonly HeardContainer[], running: ReadonlySet<string> | undefined): readonly HeardContainer[] {
  return heard.map((each) => (!each.hasEnded && isRunning(each) && running?.has(each.id) === false ? { ...each, hasEnded: true } : each));
}

function isRunning({ state }: LocalContainer): boolean {
  return state === "running" || state === "paused";
}

/** The last word that an agent before this one passed on in the same life of the machine, of what served then. */
export function heardInReport(service: Name, told: ObservedService | undefined, bootId: string): readonly HeardContainer[] {
  if (told?.bootId !== bootId) return [];
  return told.instances
    .filter(({ ready }) => ready)
    .flatMap((instance) => instance.containers.map((each) => asHeard(service, instance, each)));
}

function asHeard(service: Name, { id: instance, addresses, published }: ObservedInstance, told: ObservedContainer): HeardContainer {
  const address = addresses[told.name];
  return {
    id: told.id ?? "",
    name: containerName(service, instance, told.name),
    service,
    instance,
    container: told.name,
    specHash: "",
    state: told.phase === "exited" ? "exited" : "running",
    health: told.health,
    exitCode: told.exitCode ?? 0,
    outOfMemory: false,
    restarts: told.restarts,
    ...(told.startedAt !== undefined && { startedAt: told.startedAt }),
    imageId: told.imageId ?? "",
    restartPolicy: "",
    ...(address !== undefined && { address }),
    published: published?.[told.name] ?? {},
    startedMs: 0,
    ranMs: Infinity,
    endedAgoMs: 0,
    quickEnds: 0,
    hasEnded: false,
  };
}

/** `up` by the last word; by the agent's own check where there is one. */
export function lastWord(container: Container, docker: HeardContainer, around: Surroundings): Effort {
  if (docker.hasEnded) {
    const { exitCode: _, ...observed } = still(container, docker, "exited").observed;
    const message = `It has ended, and Docker does not answer to start it again. ${EXPLANATION.unavailable.remedy}`;
    return { observed, up: false, conditions: [problem("DockerUnavailable", container, around, message)] };
  }
  if (isRunning(docker)) {
    const { observed, up, conditions } = attend(container, docker, { ...around, local: withKnownProbes(docker, around.local) });
    return { observed, up, conditions };
  }
  const isDone = docker.state === "exited" && container.run === "once" && docker.exitCode === 0;
  return { ...still(container, docker, PHASE[docker.state]), up: isDone };
}

/** A check that has only just begun knows less than one that found it healthy. */
function withKnownProbes({ id, health }: HeardContainer, local: LocalFacts): LocalFacts {
  if (health !== "healthy" || local.probes[id]?.health !== "starting") return local;
  const { [id]: _, ...probes } = local.probes;
  return { ...local, probes };
}

/** What an instance says of itself besides: that this is no word of now. */
export function silence(node: NodeName, dockerProblem: string | undefined, ready: boolean): Condition {
  const problem = dockerProblem ?? "Docker does not answer";
  const meanwhile = ready ? `What runs on ${node} goes on, and nothing is started again or changed there` : `Nothing is started on ${node}`;
  const message = `${problem}. ${meanwhile}. ${EXPLANATION.unavailable.remedy}`;
  return { type: DOCKER_READY, status: "False", reason: "DockerUnavailable", message };
}

const DOCKER_READY = "DockerReady";

/** Whether an instance is told of by the last word that its engine gave. */
export function isLastWord({ conditions }: Pick<ObservedInstance, "conditions">): boolean {
  return conditions.some(({ type }) => type === DOCKER_READY);
}
