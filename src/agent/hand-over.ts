// What a node does before it is away for a while, or for good: it says so, so that the others take its apps, gives away the store's lead,
// and waits until what can move has moved.
import { Logind } from "../adapters/logind/logind.ts";
import type { HandedOver } from "../api/moves.ts";
import type { NodeName } from "../api/resource.ts";
import type { NodeRecord } from "../api/state.ts";
import type { Clock, Log } from "../ports.ts";
import type { Foresight } from "../server/ports.ts";

type Goes = NonNullable<NodeRecord["goes"]>;

export interface HandOverOptions {
  readonly node: () => NodeName;
  /** Undefined: it belongs to no house, or the house decides nothing now. */
  readonly foresight: () => Foresight | undefined;
  /** Other nodes belong to its house, whether they answer or not. */
  readonly hasOthers: () => boolean;
  /** What this node says of itself is new. */
  readonly announce: () => void;
  /** False: nobody else can lead. */
  readonly handOverLead: (signal: AbortSignal) => Promise<boolean>;
  readonly clock: Pick<Clock, "now" | "sleep" | "timer">;
  readonly log: Log;
}

const LOOK_EVERY_MS = 50;
/** Who is still here so long after it was to be away has not stopped: a shutdown was called off, and nobody told. */
const STAYS_AFTER_MS = 600_000;

export class HandOver {
  readonly #options: HandOverOptions;
  #goes: Goes | undefined;
  #cancelStay: (() => void) | undefined;

  constructor(options: HandOverOptions) {
    this.#options = options;
  }

  /** For the record of this node. */
  get goes(): NodeRecord["goes"] {
    return this.#goes;
  }

  /** Instances that still stop here and that others wait for, as far as that is known. */
  get stopping(): readonly string[] {
    const { node, foresight } = this.#options;
    const there = foresight()?.stoppingOn(node()) ?? [];
    return there.flatMap(({ instance, holdsUp }) => (holdsUp ? [instance] : []));
  }

  /** Answers when all is done that can be, or the time is over. It stays so until `stay`. */
  async go(how: Goes, withinMs: number, signal: AbortSignal): Promise<HandedOver> {
    const { announce, handOverLead, clock, log } = this.#options;
    const untilMs = clock.now() + withinMs;
    this.#goes = how;
    this.#cancelStay?.();
    if (how === "away") this.#cancelStay = clock.timer(withinMs + STAYS_AFTER_MS, () => this.stay());
    announce();
    const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(withinMs))]);
    const leads = await handOverLead(limit).then(
      (elsewhere) => !elsewhere,
      () => true, // it does not answer, and nobody knows
    );
    let left = this.#left(how);
    while (left?.length !== 0 && clock.now() < untilMs && this.#goes === how) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      left = this.#left(how);
    }
    const { node, foresight } = this.#options;
    const stays = (foresight()?.ifLeft(node(), LEFT[how]) ?? []).filter(({ to }) => to === undefined).map(({ instance }) => instance);
    if (left === undefined) log.warn("The house decided nothing before this node's time was over", { leads });
    else log.info("This node has handed its apps over", { left, stays, leads });
    return { kind: "HandedOver", left: left ?? [], stays, leads, ...(left === undefined && { undecided: true }) };
  }

  /** It is here, and goes on as before; what has moved stays where it is. */
  stay(): void {
    this.close();
    if (this.#goes === undefined) return;
    this.#goes = undefined;
    this.#options.announce();
  }

  /** It waits for nothing more. */
  close(): void {
    this.#cancelStay?.();
  }

  /**
   * What is still to move; undefined: that is not decided now. What has moved may stop while this node goes, unless the other one waits for
   * that.
   */
  #left(how: Goes): readonly string[] | undefined {
    const { node: own, foresight: foresees, hasOthers } = this.#options;
    const foresight = foresees();
    if (foresight === undefined) return hasOthers() ? undefined : [];
    const node = own();
    const moving = foresight.ifLeft(node, LEFT[how]).filter(({ to }) => to !== undefined);
    return [...new Set([...moving.map(({ instance }) => instance), ...this.stopping])];
  }
}

const LEFT = { away: "stopping", "for good": "drained" } as const;

/** Who stops its machine hands its apps over; an agent that ends does not, until the signal: they run on. */
export function heldUp(handOver: HandOver, until: AbortSignal, { clock, log }: Pick<HandOverOptions, "clock" | "log">): Logind {
  return new Logind({
    onStopping: async (_what, withinMs) => void (await handOver.go("away", withinMs, until)),
    onBack: () => handOver.stay(),
    clock,
    log,
  });
}
