// A house without time, chance or failure of its own: the plan of a Service is carried out on plain values, so that laws about it can be
// asked of thousands of houses. Everything the plan may do has its effect here at once.
import type { ServiceAction } from "../../controllers/service/actions.ts";
import type { JobState } from "../../controllers/service/docker-types.ts";
import type { LocalContainer, NodeFacts, ServiceFacts } from "../../controllers/service/facts.ts";
import { addressOf, probeOf } from "../../controllers/service/health.ts";
import { jobKeys } from "../../controllers/service/job-keys.ts";
import { isOnEach } from "../../controllers/service/lost.ts";
import { isOf, nameOf, partsOn, pullsOf } from "../../controllers/service/parts.ts";
import { prepulledImages } from "../../controllers/service/prepull.ts";
import { plan } from "../../controllers/service/plan.ts";
import { EngineError } from "../../src/api/errors.ts";
import type { Name, NodeName, Resource } from "../../src/api/resource.ts";
import type { DecidedService, ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { Plan, Seen } from "../../src/engine/contract.ts";
import { docker, localFacts, seen, service } from "../fakes/facts.ts";

/** What an image's program does is in its name. */
export type Behaviour = "good" | "deaf" | "crashing" | "missing";

export const SERVICE: Name = "app";

/** Longer than every back-off. */
const AT_REST_MS = 600_000;

interface Machine {
  containers: LocalContainer[];
  images: Set<string>;
  readonly pulls: Map<string, JobState>;
}

export class ServiceModel {
  readonly nodes: NodeFacts[];
  nowMs = 1_000_000;
  desired: Resource<"Service"> | undefined;
  decided: Seen<DecidedService> | undefined;
  readonly observed = new Map<NodeName, Seen<ObservedService>>();
  readonly machines: ReadonlyMap<NodeName, Machine>;
  /** Looks at every step; throws when something must not be. */
  readonly #witness: (model: ServiceModel, node: NodeName, action: ServiceAction) => void;
  #revision = 1;
  #generation = 0;
  #desiredSeenAtMs = 0;
  /** When anything last had an effect: to ask again for an image that does not exist has none. */
  #changedMs = 0;

  constructor(nodes: readonly NodeFacts[], witness: (model: ServiceModel, node: NodeName, action: ServiceAction) => void = () => {}) {
    this.nodes = [...nodes];
    this.machines = new Map(
      nodes.map(({ name }) => [name, { containers: [], images: new Set<string>(), pulls: new Map<string, JobState>() }]),
    );
    this.#witness = witness;
  }

  apply(spec: ServiceSpec | undefined): void {
    this.#generation += 1;
    this.#desiredSeenAtMs = this.nowMs;
    this.desired = spec && service(SERVICE, spec, this.#generation);
  }

  /**
   * Every node in turn carries out the head of its plan, and time goes on when nobody has anything to do, until for a long time nothing
   * came of it. Answers the rounds it took.
   */
  settle(roundsMax: number): number {
    this.#changedMs = this.nowMs;
    for (let round = 0; round < roundsMax; round++) {
      const waits: number[] = [];
      let acted = false;
      for (const { name, record, downSinceMs } of this.nodes) {
        if (record === undefined || downSinceMs !== undefined) continue;
        const { actions, recheckAfterMs } = this.planOn(name);
        const [head] = actions;
        if (head) {
          this.#act(name, head);
          acted = true;
        } else if (recheckAfterMs !== undefined) waits.push(recheckAfterMs);
      }
      if (waits.length === 0 ? !acted : this.nowMs - this.#changedMs > AT_REST_MS) return round;
      if (acted) continue;
      this.#pass(Math.max(1, Math.min(...waits)));
    }
    throw new Error(`not at rest after ${roundsMax} rounds: ${this.nodes.map(({ name }) => JSON.stringify(this.planOn(name))).join("\n")}`);
  }

  planOn(node: NodeName): Plan<ServiceAction> {
    return plan(this.desired, this.factsOn(node), { node, now: this.nowMs });
  }

  factsOn(node: NodeName): ServiceFacts {
    const machine = this.#machine(node);
    const decided = this.decided?.value;
    const parts = partsOn(node, SERVICE, decided);
    const counted = [...this.observed].filter(([name]) => this.nodes.some((each) => each.name === name && each.downSinceMs === undefined));
    const house: ServiceFacts["house"] = {
      revision: 0,
      nodes: this.nodes,
      decided: this.decided,
      observed: new Map(counted),
      told: new Map([...this.observed].map(([name, { value }]) => [name, value])),
      takenOut: new Map(),
      desiredSeenAtMs: this.#desiredSeenAtMs,
      volumes: {},
      isOnEach: isOnEach(this.desired?.spec, decided),
      roomSinceMs: undefined,
      ahead: [],
      others: new Map(),
    };
    const early = prepulledImages(SERVICE, house, node);
    const pulls = [...pullsOf(parts), ...early.map((image) => ({ image, key: jobKeys.prepull(SERVICE, image) }))];
    const images = new Set([...pulls.map(({ image }) => image), ...(this.observed.get(node)?.value.pulled ?? [])]);
    const used = new Set(Object.values(decided?.revisions ?? {}).flatMap(({ spec }) => spec.containers.map(({ image }) => image)));
    const probes = parts.flatMap((part) => {
      const container = machine.containers.find((each) => isOf(part, each));
      const host = container && addressOf(part.container, machine.containers, "192.168.1.10");
      const probe =
        container && host !== undefined ? probeOf(part.spec, part.container, container, { host, published: undefined }) : undefined;
      const health = behaviourOf(part.container.image) === "deaf" ? ("unhealthy" as const) : ("healthy" as const);
      return container && probe ? [[container.id, { health, sinceMs: 0 }] as const] : [];
    });
    return {
      name: SERVICE,
      house,
      local: localFacts({
        bootId: `boot-${node}`,
        containers: machine.containers,
        images: Object.fromEntries([...images].filter((image) => machine.images.has(image)).map((image) => [image, imageInfo(image)])),
        jobs: Object.fromEntries(machine.pulls),
        probes: Object.fromEntries(probes),
        pulled: pulls.filter(({ key }) => machine.pulls.get(key)?.state === "done").map(({ image }) => image),
        unused: (this.observed.get(node)?.value.pulled ?? []).filter((image) => !used.has(image)),
        reported: this.observed.get(node),
      }),
    };
  }

  /** By node: containers that run and answer. */
  serving(): readonly { readonly node: NodeName; readonly instance: string }[] {
    return [...this.machines].flatMap(([node, { containers }]) =>
      containers.filter((each) => each.state === "running" && each.imageId === "sha256:good").map(({ instance }) => ({ node, instance })),
    );
  }

  #act(node: NodeName, action: ServiceAction): void {
    const machine = this.#machine(node);
    switch (action.kind) {
      case "PullImage":
        return this.#pull(machine, action.key, action.image);
      case "CreateContainer": {
        const part = partsOn(node, SERVICE, this.decided?.value).find((each) => nameOf(each) === action.name);
        if (part)
          machine.containers.push(
            docker(SERVICE, part.instance, part.spec, {
              container: part.container.name,
              state: "created",
              imageId: `sha256:${behaviourOf(part.container.image)}`,
              ranMs: 0,
            }),
          );
        break;
      }
      case "StartContainer":
        machine.containers = machine.containers.map((each) => (each.id === action.id ? started(each, this.nowMs) : each));
        break;
      case "SetRestartPolicy":
        machine.containers = machine.containers.map((each) => (each.id === action.id ? { ...each, restartPolicy: action.policy } : each));
        break;
      case "RemoveContainer":
        machine.containers = machine.containers.filter(({ id }) => id !== action.id);
        break;
      case "RemoveImage":
        machine.images.delete(action.image);
        break;
      case "RemoveNetwork":
      case "ReleaseAddress":
      case "BeginWait":
        break;
      case "Decide":
        this.decided = action.next && seen(withMadeVolumes(action.next), this.nowMs, (this.#revision += 1));
        break;
      case "Report":
        if (action.observed) this.observed.set(node, seen(action.observed, this.nowMs, (this.#revision += 1)));
        else this.observed.delete(node);
        break;
    }
    this.#changedMs = this.nowMs;
    this.#witness(this, node, action);
  }

  #pull(machine: Machine, key: string, image: string): void {
    const tries = machine.pulls.get(key)?.state === "failed" ? 2 : 1;
    if (behaviourOf(image) === "missing")
      machine.pulls.set(key, {
        state: "failed",
        error: new EngineError("imageNotFound", `There is no '${image}'`),
        atMs: this.nowMs,
        tries,
      });
    else {
      machine.images.add(image);
      this.#changedMs = this.nowMs;
      machine.pulls.set(key, { state: "done", atMs: this.nowMs });
    }
  }

  #pass(ms: number): void {
    this.nowMs += ms;
    for (const machine of this.machines.values()) {
      machine.containers = machine.containers.map((each) => (each.state === "running" ? { ...each, ranMs: each.ranMs + ms } : each));
    }
  }

  #machine(node: NodeName): Machine {
    const machine = this.machines.get(node);
    if (machine === undefined) throw new Error(`there is no node ${node}`);
    return machine;
  }
}

export function behaviourOf(image: string): Behaviour {
  const [, tag = ""] = image.split(":");
  if (tag.startsWith("deaf")) return "deaf";
  if (tag.startsWith("crashing")) return "crashing";
  return tag.startsWith("missing") ? "missing" : "good";
}

function started(container: LocalContainer, nowMs: number): LocalContainer {
  const crashes = container.imageId === "sha256:crashing";
  return {
    ...container,
    state: crashes ? "restarting" : "running",
    restarts: crashes ? 5 : 0,
    quickEnds: crashes ? 5 : 0,
    startedMs: nowMs,
    ranMs: 0,
  };
}

function imageInfo(image: string): {
  readonly id: string;
  readonly digests: readonly string[];
  readonly tags: readonly string[];
  readonly arch: string;
  readonly hasHealthcheck: boolean;
  readonly exposedTcpPorts: readonly number[];
  readonly bytes: number;
} {
  return {
    id: `sha256:${behaviourOf(image)}`,
    digests: [`${image}@sha256:1`],
    tags: [image],
    arch: "amd64",
    hasHealthcheck: false,
    exposedTcpPorts: [],
    bytes: 1,
  };
}

function withMadeVolumes(decided: DecidedService): DecidedService {
  const volumes = Object.entries(decided.volumes ?? {}).map(([name, volume]) => [name, { ...volume, made: true }] as const);
  return volumes.length === 0 ? decided : { ...decided, volumes: Object.fromEntries(volumes) };
}
