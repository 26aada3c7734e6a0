// Answers the server's "what if?": the plans themselves, over this node's mirror.
import { dead, foresee, left, type Becomes, type KnownService } from "../../controllers/service/foresee.ts";
import { houseFacts } from "../../controllers/service/house-facts.ts";
import { rebalance } from "../../controllers/service/rebalance.ts";
import { serviceStatus } from "../../controllers/service/status.ts";
import { cannotRunTwice } from "../../controllers/service/traits.ts";
import type { InstanceMove } from "../api/moves.ts";
import type { NodeName } from "../api/resource.ts";
import type { DecidedService, ObservedService } from "../api/state.ts";
import type { Mirror } from "../engine/contract.ts";
import type { Foresight } from "../server/ports.ts";

export class NodeForesight implements Foresight {
  readonly #mirror: Mirror;

  constructor(mirror: Mirror) {
    this.#mirror = mirror;
  }

  ifLeft(node: NodeName, how: "drained" | "stopping"): readonly InstanceMove[] {
    return this.#foresee(node, left(how));
  }

  ifLost(node: NodeName): readonly InstanceMove[] {
    return this.#foresee(node, dead);
  }

  stoppingOn(node: NodeName): ReturnType<Foresight["stoppingOn"]> {
    const mirror = this.#mirror;
    return [...mirror.allDecided<DecidedService>("Service")].flatMap(([name, { value }]) => {
      const decided = new Set(value.instances.map(({ id }) => id));
      const there = mirror.observed<ObservedService>("Service", name).get(node)?.value.instances ?? [];
      const spec = value.revisions[value.target]?.spec;
      const holdsUp = spec !== undefined && cannotRunTwice(spec);
      return there.filter(({ id }) => !decided.has(id)).map(({ id }) => ({ instance: `${name}-${id}`, holdsUp }));
    });
  }

  evenly(): readonly InstanceMove[] {
    return rebalance(this.#services());
  }

  #foresee(node: NodeName, becomes: Becomes): readonly InstanceMove[] {
    return foresee(this.#services(), node, becomes).map((move) => ({ ...move, ...this.#shown(move) }));
  }

  #services(): readonly KnownService[] {
    const mirror = this.#mirror;
    return [...mirror.all("Service")].map((desired) => ({
      desired,
      house: houseFacts(desired.metadata.name, mirror, { desiredSeenAtMs: 0, volumes: {} }),
    }));
  }

  /** What people see of it now. */
  #shown({ service, to }: InstanceMove): Pick<InstanceMove, "url" | "state"> {
    const desired = this.#mirror.desired("Service", service);
    if (desired === undefined) return {};
    const { url, instances } = serviceStatus(desired, this.#mirror);
    const heir = instances.find(({ node, ready, reason }) => node === to && !ready && reason !== "Stopping");
    return {
      ...(url !== undefined && { url }),
      ...(heir !== undefined && { state: heir.message === "" ? heir.reason : `${heir.reason}: ${heir.message}` }),
    };
  }
}
