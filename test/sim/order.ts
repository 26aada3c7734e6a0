// Of simulated houses: no app is started before those that it comes after, unless nothing is to be hoped of them or its time is over. What
// is so by the store counts for a while longer, as a node may have heard no later.

import { ORDER_WAIT_MS } from "../../controllers/service/order.ts";
import { circleFrom } from "../../src/api/circle.ts";
import { needsPerson } from "../../src/api/lasting.ts";
import type { Name, NodeName } from "../../src/api/resource.ts";
import type { DecidedService, ObservedService } from "../../src/api/state.ts";
import type { ServiceSpec } from "../../src/api/types.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

/** Nodes' clocks differ by so much, and more, over the time that is waited. */
const CLOCKS_MS = 1_000;

interface Known {
  desired?: ServiceSpec | undefined;
  decided?: DecidedService | undefined;
  readonly observed: Map<NodeName, ObservedService>;
  /** The last moment at which nobody had to wait for it. */
  freeAtMs: number;
}

export class OrderWatch {
  readonly #world: World;
  readonly #graceMs: number;
  readonly #services = new Map<Name, Known>();
  /** By instance: when it was last started. */
  readonly #started = new Map<string, number>();

  constructor(world: World, graceMs: number) {
    this.#world = world;
    this.#graceMs = graceMs;
  }

  desired(name: Name, spec: ServiceSpec | undefined): void {
    this.#changed(() => (this.#known(name).desired = spec));
  }

  decided(name: Name, decided: DecidedService | undefined): void {
    this.#changed(() => (this.#known(name).decided = decided));
  }

  observed(name: Name, node: NodeName, observed: ObservedService | undefined): void {
    this.#changed(() => {
      if (observed === undefined) this.#known(name).observed.delete(node);
      else this.#known(name).observed.set(node, observed);
    });
  }

  timePassed(): void {
    this.#changed(() => {});
  }

  /** `specs`: those by which the node may go. Answers what is wrong. */
  starts(node: SimNode, { name, instance, placedMs, specs }: Started): string | undefined {
    const now = this.#world.time.now();
    const isFirst = (this.#started.get(instance) ?? -Infinity) < node.poweredAtMs;
    this.#started.set(instance, now);
    const beganMs = Math.max(placedMs, node.poweredAtMs);
    if (!isFirst || now - beganMs >= ORDER_WAIT_MS - CLOCKS_MS) return undefined;
    this.timePassed();
    const [after = [], ...others] = specs.map((spec) => spec?.after ?? []);
    const early = after.find((other) => others.every((each) => each.includes(other)) && now - this.#known(other).freeAtMs > this.#graceMs);
    return early && `${name}-${instance} was started on ${node.name} before ${early}, which it comes after`;
  }

  /** Also of the state that ends now. */
  #changed(change: () => void): void {
    const look = (): void => {
      for (const [name, known] of this.#services) if (this.#isFree(name, known)) known.freeAtMs = this.#world.time.now();
    };
    look();
    change();
    look();
  }

  #isFree(name: Name, { desired, decided, observed }: Known): boolean {
    if (desired === undefined || desired.replicas === 0) return true;
    if (decided?.failed !== undefined && decided.failed.revision === decided.target) return true;
    if (circleFrom(name, (each) => this.#services.get(each)?.desired?.after ?? []) !== undefined) return true;
    return [...observed].some(
      ([node, { bootId, instances }]) =>
        this.#isOfNow(node, bootId) &&
        instances.some(({ ready, conditions }) => ready || conditions.some(({ reason }) => needsPerson(reason))),
    );
  }

  #isOfNow(name: NodeName, bootId: string): boolean {
    const node = this.#world.nodes.get(name);
    return node !== undefined && node.power !== "off" && node.bootId === bootId;
  }

  #known(name: Name): Known {
    const known = this.#services.get(name) ?? { observed: new Map<NodeName, ObservedService>(), freeAtMs: this.#world.time.now() };
    this.#services.set(name, known);
    return known;
  }
}

interface Started {
  readonly name: Name;
  readonly instance: string;
  readonly placedMs: number;
  readonly specs: readonly (ServiceSpec | undefined)[];
}
