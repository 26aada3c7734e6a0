// Carries out what a person confirmed: an instance is to run elsewhere. One compare-and-swap of what is decided, as any decision.
import { withMove } from "../../controllers/service/rebalance.ts";
import { keys } from "../api/keys.ts";
import type { InstanceMove } from "../api/moves.ts";
import type { DecidedService } from "../api/state.ts";
import type { Mirror } from "../engine/contract.ts";
import type { Store } from "../ports.ts";
import type { Mover } from "../server/ports.ts";

export class InstanceMover implements Mover {
  readonly #mirror: Mirror;
  readonly #store: Pick<Store, "commit">;

  constructor(mirror: Mirror, store: Pick<Store, "commit">) {
    this.#mirror = mirror;
    this.#store = store;
  }

  async move({ service, instance, to }: InstanceMove, signal: AbortSignal): Promise<boolean> {
    const decided = this.#mirror.decided<DecidedService>("Service", service);
    const next = decided && to !== undefined ? withMove(decided.value, instance.slice(service.length + 1), to) : undefined;
    if (decided === undefined || next === undefined) return false;
    const key = keys.decided("Service", service);
    const { committed } = await this.#store.commit(
      { compare: [{ key, modRevision: decided.modRevision }], writes: [{ put: key, value: JSON.stringify(next) }] },
      signal,
    );
    return committed;
  }
}
