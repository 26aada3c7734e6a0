// Of simulated houses: what must not run twice does not, and what no other computer may start is not ended for want of contact.
import { LABEL } from "../../src/api/labels.ts";
import type { Name } from "../../src/api/resource.ts";
import type { DecidedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { ContainerSpec } from "../../src/container-ports.ts";
import { cannotRunTwice } from "../../controllers/service/traits.ts";
import type { World } from "./world.ts";

/** A thawed computer runs on until its agent has had its turn. */
const WAKING_MS = 1_000;
/** Twice what an ingress takes to end what must not run: a start that its engine began before a sleep cannot be called back. */
const BELATED_MS = 500;

/** A start that an engine was asked for, by the container's id. */
interface Start {
  readonly askedAtMs: number;
  readonly doneAtMs: number;
}

interface Known {
  /** Each computer had one of the Service at some time of its life: others may run beside it. */
  wasOnEach: boolean;
  /** At some time of its life another computer could have taken it over. */
  wasTakeable: boolean;
}

export class OnceWatch {
  readonly #world: World;
  /** Services that must not run twice, whatever became of them since. */
  readonly #once = new Set<Name>();
  /** By `name/instance`. */
  readonly #instances = new Map<string, Known>();

  readonly #starts = new Map<string, Start>();

  constructor(world: World) {
    this.#world = world;
  }

  starts(id: string): void {
    const now = this.#world.time.now();
    this.#starts.set(id, { askedAtMs: now, doneAtMs: Infinity });
  }

  started(id: string): void {
    const start = this.#starts.get(id);
    if (start !== undefined) this.#starts.set(id, { ...start, doneAtMs: this.#world.time.now() });
  }

  desired(name: Name, spec: ServiceSpec | undefined): void {
    if (spec !== undefined && cannotRunTwice(spec)) this.#once.add(name);
  }

  decided(name: Name, decided: DecidedService | undefined): void {
    const target = decided?.revisions[decided.target]?.spec;
    for (const { id, revision } of decided?.instances ?? []) {
      const known = this.#instances.get(`${name}/${id}`) ?? { wasOnEach: false, wasTakeable: false };
      const own = decided?.revisions[revision]?.spec;
      known.wasOnEach ||= target?.replicas === "all";
      known.wasTakeable ||= own !== undefined && isTakeable(own);
      this.#instances.set(`${name}/${id}`, known);
    }
  }

  wasOnEach(name: Name, instance: string): boolean {
    return this.#instances.get(`${name}/${instance}`)?.wasOnEach === true;
  }

  /** On whatever computers; one that wakes from sleep is given the moment that its agent needs. Answers what is wrong. */
  runsTwice(): string | undefined {
    const now = this.#world.time.now();
    const awake = [...this.#world.nodes.values()].filter(({ power, wokeAtMs }) => power === "on" && now - wokeAtMs > WAKING_MS);
    for (const name of this.#once) {
      const running = awake.flatMap((node) =>
        node
          .labelled(name)
          .flatMap(({ id, instance, state }) =>
            state === "running" && !this.#isBelated(id, node.wokeAtMs) ? [{ node: node.name, instance }] : [],
          ),
      );
      const places = [...new Set(running.map(({ node }) => node))];
      if (places.length > 1 && running.some(({ instance }) => !this.wasOnEach(name, instance)))
        return `${name} runs on ${places.join(" and ")} at once`;
    }
    return undefined;
  }

  #isBelated(id: string, wokeAtMs: number): boolean {
    const { askedAtMs, doneAtMs } = this.#starts.get(id) ?? { askedAtMs: Infinity, doneAtMs: -Infinity };
    return askedAtMs < wokeAtMs && this.#world.time.now() - doneAtMs < BELATED_MS;
  }

  /** Because its node lost the contact to the house. */
  isEnded({ name, labels }: ContainerSpec): string | undefined {
    const known = this.#instances.get(`${labels[LABEL.name]}/${labels[LABEL.instance]}`);
    return known?.wasTakeable === false ? `${name} was ended for want of contact, although no other computer may start it` : undefined;
  }
}

function isTakeable(spec: ServiceSpec): boolean {
  return cannotRunTwice(spec) && spec.replicas !== "all" && spec.failover !== "never";
}
