// Keeps this node's picture of who is alive: says that it lives itself, hears the others, asks the ingress of those that are silent, tells
// who is suspect, and has the death of those recorded that stay so.
import type { Endpoint } from "../adapters/gossip/socket.ts";
import {
  advance,
  answered,
  heard,
  newLiveness,
  ownHearing,
  SEND_EVERY_MS,
  silenceOf,
  suspects,
  toAsk,
  toCondemn,
  withOthers,
  type Liveness,
  type NodeId,
} from "../liveness/liveness.ts";
import type { SignOfLife } from "../mesh-ports.ts";
import type { Clock, Identity, Log } from "../ports.ts";

export interface LivenessOptions {
  readonly identity: Identity;
  /** The other nodes that belong to the house, alive or not, and where each is reached. */
  readonly others: () => ReadonlyMap<NodeId, readonly Endpoint[]>;
  /** As last known. */
  readonly voters: () => readonly NodeId[];
  readonly send: (sign: SignOfLife, to: readonly Endpoint[]) => void;
  /** Resolves when the ingress of that node answered on 734. */
  readonly ask: (node: NodeId, signal: AbortSignal) => Promise<void>;
  /** Since the start of this machine, ms. */
  readonly bootedMs: () => number;
  /** Called at each change, before anything is written. */
  readonly onSuspects: (nodes: readonly NodeId[]) => void;
  /** By compare-and-swap; it is called again for as long as the node stays silent, so it does nothing where that is recorded. */
  readonly condemn: (node: NodeId, signal: AbortSignal) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Half of it is the average delay between a silence and its consequence. */
const TICK_MS = 100;
/** While all are heard. It stays well below the gap that counts as having stood still. */
const HEARD_TICK_MS = 250;
/** Nobody else belongs to the house. */
const ALONE_TICK_MS = 1_000;
const ASK_EVERY_MS = 500;
const ASK_LIMIT_MS = 1_000;
const CONDEMN_EVERY_MS = 1_000;
const CONDEMN_LIMIT_MS = 3_000;

export class LivenessKeeper {
  readonly #options: LivenessOptions;
  readonly #asked = new Map<NodeId, number>();
  readonly #condemned = new Map<NodeId, number>();
  #state: Liveness;
  #sentAtMs = Number.NEGATIVE_INFINITY;
  #suspects: readonly NodeId[] = [];

  constructor(options: LivenessOptions) {
    this.#options = options;
    this.#state = newLiveness(options.identity.nodeId, options.clock.now());
  }

  get suspects(): readonly NodeId[] {
    return this.#suspects;
  }

  /** Of a node that belongs to the house, ms; none of this one. */
  silenceOf(node: NodeId): number | undefined {
    return silenceOf(this.#now(), node);
  }

  hear(sign: SignOfLife): void {
    this.#state = heard(this.#now(), sign);
    this.#tell();
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock } = this.#options;
    while (!signal.aborted) {
      this.#tick(signal);
      await clock.sleep(this.#restMs(), signal).catch(() => undefined);
    }
  }

  #restMs(): number {
    const nodes = [...this.#state.peers.keys()];
    if (nodes.length === 0) return ALONE_TICK_MS;
    const areHeard = nodes.every((node) => (silenceOf(this.#state, node) ?? 0) < SEND_EVERY_MS + HEARD_TICK_MS);
    return areHeard ? HEARD_TICK_MS : TICK_MS;
  }

  #tick(signal: AbortSignal): void {
    const { others, voters, bootedMs } = this.#options;
    const reached = others();
    this.#state = withOthers(this.#now(), reached.keys());
    this.#speak(reached);
    const { nowMs } = this.#state;
    for (const node of toAsk(this.#state)) if (isDue(this.#asked, node, nowMs, ASK_EVERY_MS)) void this.#ask(node, signal);
    this.#tell();
    for (const node of toCondemn(this.#state, { bootedMs: bootedMs(), voters: voters() }))
      if (isDue(this.#condemned, node, nowMs, CONDEMN_EVERY_MS)) void this.#condemn(node, signal);
  }

  #speak(reached: ReadonlyMap<NodeId, readonly Endpoint[]>): void {
    const { identity, send } = this.#options;
    const { nowMs } = this.#state;
    if (nowMs - this.#sentAtMs < SEND_EVERY_MS || reached.size === 0) return;
    this.#sentAtMs = nowMs;
    // The clock of the boot grows also when the agent starts again, and the boot's id stays.
    const sign = { nodeId: identity.nodeId, bootId: identity.bootId, counter: Math.round(nowMs), heard: ownHearing(this.#state) };
    for (const endpoints of reached.values()) send(sign, endpoints);
  }

  async #ask(node: NodeId, signal: AbortSignal): Promise<void> {
    try {
      await this.#options.ask(node, AbortSignal.any([signal, AbortSignal.timeout(ASK_LIMIT_MS)]));
    } catch {
      return; // its silence is the answer
    }
    this.#state = answered(this.#now(), node);
    this.#tell();
  }

  async #condemn(node: NodeId, signal: AbortSignal): Promise<void> {
    const { condemn, log } = this.#options;
    try {
      await condemn(node, AbortSignal.any([signal, AbortSignal.timeout(CONDEMN_LIMIT_MS)]));
    } catch (error) {
      if (!signal.aborted) log.debug("The death of a node was not recorded", { nodeId: node, error: String(error) });
    }
  }

  #tell(): void {
    const { onSuspects, log } = this.#options;
    const now = suspects(this.#state);
    if (now.join() === this.#suspects.join()) return;
    for (const nodeId of now.filter((each) => !this.#suspects.includes(each))) log.warn("A node is silent", { nodeId });
    for (const nodeId of this.#suspects.filter((each) => !now.includes(each))) log.info("A silent node is heard again", { nodeId });
    this.#suspects = now;
    onSuspects(now);
  }

  #now(): Liveness {
    this.#state = advance(this.#state, this.#options.clock.now());
    return this.#state;
  }
}

function isDue(last: Map<NodeId, number>, node: NodeId, nowMs: number, everyMs: number): boolean {
  if (nowMs - (last.get(node) ?? Number.NEGATIVE_INFINITY) < everyMs) return false;
  last.set(node, nowMs);
  return true;
}
