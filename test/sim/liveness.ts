// Stands for the nodes' liveness: who is silent while another node with quorum looks on is declared Down. Only the node itself clears it.
import { keys } from "../../src/api/keys.ts";
import type { DecidedMembership } from "../../src/api/state.ts";
import { contactToPassOn } from "../../src/liveness/fence.ts";
import { setMembershipState } from "../fakes/objects.ts";
import type { SimNode } from "./node.ts";
import type { World } from "./world.ts";

/** How long the verdict takes. */
export const DOWN_AFTER_MS = 6_000;
const EVERY_MS = 1_000;

export class Liveness {
  readonly #world: World;
  readonly #silentSinceMs = new Map<SimNode, number>();

  constructor(world: World) {
    this.#world = world;
  }

  start(): void {
    this.#look();
    this.#world.time.timer(EVERY_MS, () => this.start());
  }

  #look(): void {
    const { time, nodes, etcd } = this.#world;
    for (const node of nodes.values()) {
      if (node.power === "on" && !node.cutOff) this.#silentSinceMs.delete(node);
      else if (!this.#silentSinceMs.has(node)) this.#silentSinceMs.set(node, time.now());
    }
    for (const node of nodes.values()) this.#passContact(node);
    const hasWitness = [...nodes.values()].some((node) => node.alive && !this.#silentSinceMs.has(node));
    if (!hasWitness || !etcd.running) return;
    for (const [node, sinceMs] of this.#silentSinceMs) {
      if (time.now() - sinceMs >= DOWN_AFTER_MS && !isDown(this.#world, node)) setMembershipState(etcd, node.name, "Down");
    }
  }

  /** Whose agent is silent is asked on 734 by all others, which tell it how old their own contact is. */
  #passContact({ name, power, cutOff, agent, ingress, clock }: SimNode): void {
    if (power !== "on" || cutOff || agent !== undefined) return;
    for (const other of this.#world.nodes.values()) {
      if (!other.alive || other.cutOff || other.agent === undefined) continue;
      const { lease, mirror } = other.agent;
      const isDown = mirror.decided<DecidedMembership>("Membership", name)?.value.state === "Down";
      const passed = contactToPassOn({ renewedAtMs: lease.renewedAtMs(), answeredAtMs: mirror.answeredAtMs, isDown });
      if (passed !== undefined) ingress?.contact(clock.now() - (other.clock.now() - passed));
    }
  }
}

export function isDown(world: World, node: SimNode): boolean {
  const value = world.etcd.get(keys.decided("Membership", node.name))?.value;
  return value !== undefined && (JSON.parse(value) as { readonly state: string }).state === "Down";
}
