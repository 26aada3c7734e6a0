// What is wrong with a container, in sentences that a person can act on.
import { EngineError, OutcomeUnknown, Refusal, StoreUnavailable } from "../../src/api/errors.ts";
import { DOCKER_HUB, registryOf } from "../../src/api/image-registry.ts";
import type { Condition, Name } from "../../src/api/resource.ts";
import type { Container, ServiceSpec } from "../../src/api/types.ts";
import type { LocalContainer } from "./facts.ts";
import { EXPLANATION, type Reason } from "./reasons.ts";

/** The Service that the container is of. */
interface Of {
  readonly service: Name;
  readonly spec: ServiceSpec;
}

export function failure(error: Error, container: Container, around: Of): Condition {
  if (error instanceof EngineError) {
    const { reason, remedy } = EXPLANATION[error.fault];
    return problem(reason, container, around, `${error.message}. ${remedy.replace("docker login", loginCommand(container.image))}`);
  }
  if (error instanceof Refusal) return problem(error.reason as Reason, container, around, error.message); // of this node's volumes
  // Of the moment: no update has failed by that.
  if (error instanceof StoreUnavailable || error instanceof OutcomeUnknown)
    return problem("StoreUnavailable", container, around, `${error.message}. It is tried again`);
  return problem("CreateFailed", container, around, error.message);
}

/** Docker's own command takes Docker Hub where no registry is named. */
function loginCommand(image: string): string {
  const registry = registryOf(image);
  return registry === DOCKER_HUB ? "docker login" : `docker login ${registry}`;
}

export function crashLoop(container: Container, docker: LocalContainer, around: Of): Condition {
  if (docker.outOfMemory)
    return problem("OutOfMemory", container, around, "It was killed because it used more memory than it may. Raise resources.memory");
  const ends = `It ends again and again, last with ${docker.exitCode}`;
  const look = `look at its logs: fossora logs ${around.service}`;
  const memory = container.resources?.memory;
  // dockerd takes the kernel's notice after the exit now and then, and then it does not say that memory was the cause.
  if (docker.exitCode === KILLED && memory !== undefined)
    return problem(
      "CrashLoop",
      container,
      around,
      `${ends} (killed): most likely for more memory than its ${memory}. Raise resources.memory, or ${look}`,
    );
  return problem("CrashLoop", container, around, `${ends}. L${look.slice(1)}`);
}

/** 128 and the number of SIGKILL. */
const KILLED = 137;

/** `docker.health`: of a check that Docker runs, which may be the image's own. */
export function unhealthy(container: Container, docker: Pick<LocalContainer, "health">, detail: string | undefined, around: Of): Condition {
  const { health } = container;
  const because = detail === undefined ? "" : `: ${detail}`;
  if ((health === undefined && docker.health === "none") || (typeof health === "object" && "tcp" in health)) {
    return problem("PortNotListening", container, around, `Nobody answers on its port${because}. Correct the port, or look at its logs`);
  }
  return problem("Unhealthy", container, around, `Its health check fails${because}`);
}

export function problem(reason: Reason, container: Container, { spec }: Of, message: string): Condition {
  const text = spec.containers.length > 1 ? `${container.name}: ${message}` : message;
  return { type: "Ready", status: "False", reason, message: text };
}
