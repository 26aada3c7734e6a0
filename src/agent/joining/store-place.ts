// Where this node's store is reached: follows the node's addresses. The house is told by whoever runs inside.
import { isTailnet } from "../../ingress/address.ts";
import { hostsOfUrls } from "../../joining/peer-urls.ts";
import type { Clock, Log } from "../../ports.ts";
import type { Child } from "../child.ts";
import { peerUrlOf } from "../etcd.ts";
import type { KnownNode } from "./seen.ts";

export interface StorePlaceOptions {
  readonly dataDir: string;
  readonly nodeId: string;
  readonly addresses: () => readonly string[];
  readonly child: Child;
  /** Nodes of the house, this one among them, as it was last seen. */
  readonly known: () => readonly Pick<KnownNode, "nodeId" | "peerUrl">[];
  /** The house's store answers here. */
  readonly isServed: () => boolean;
  /** Starts the store anew if it listens elsewhere than this node is now, or in any case. */
  readonly keep: (how: { readonly inAnyCase: boolean }) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_EVERY_MS = 1_000;
/** tailscaled starts beside the agent, and needs about a second. */
const TAILNET_MAX_MS = 3_000;
const TAILNET_EVERY_MS = 100;
/** Where nobody gives it its turn: who leads may have no other way to this node than the address that is new. */
const TURN_MAX_MS = 120_000;

export class StorePlace {
  readonly #options: StorePlaceOptions;
  #peerUrl = "";
  /** With which the store runs. */
  #followed: readonly string[];
  #moreSinceMs: number | undefined;

  constructor(options: StorePlaceOptions) {
    this.#options = options;
    this.#followed = options.addresses();
  }

  get peerUrl(): string {
    return this.#peerUrl;
  }

  /** An address has come that nobody needs at once: the store starts anew when its turn among the members' comes. */
  get hasMore(): boolean {
    return this.#moreSinceMs !== undefined;
  }

  /** By the addresses that there are now, and the ports that are free. */
  async choose(): Promise<string> {
    const { dataDir, addresses, child } = this.#options;
    this.#peerUrl = await peerUrlOf(dataDir, { addresses: addresses(), child });
    return this.#peerUrl;
  }

  /** After a boot: a store that starts without its tailnet's address would start once more a second later. */
  async waitForTailnet(signal: AbortSignal): Promise<void> {
    const { nodeId, known, child, addresses, clock } = this.#options;
    const own = known().find((node) => node.nodeId === nodeId);
    if (own === undefined || child.running() !== undefined || !hostsOfUrls(own.peerUrl).some(isTailnet)) return;
    const untilMs = clock.now() + TAILNET_MAX_MS;
    while (!addresses().some(isTailnet) && clock.now() < untilMs && !signal.aborted)
      await clock.sleep(TAILNET_EVERY_MS, signal).catch(() => undefined);
    this.#followed = addresses();
  }

  /** What runs is to listen where this node is now. */
  async follow(how = { inAnyCase: false }): Promise<void> {
    const now = this.#options.addresses();
    await this.choose();
    await this.#options.keep(how);
    this.#followed = now;
    this.#moreSinceMs = undefined;
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
      if (signal.aborted) return;
      try {
        await this.#look();
      } catch (error) {
        log.warn("The store could not follow this node's addresses", { error });
      }
    }
  }

  async #look(): Promise<void> {
    const { addresses, isServed, clock } = this.#options;
    const now = addresses();
    if (now.join() === this.#followed.join()) {
      this.#moreSinceMs = undefined;
      return;
    }
    await this.choose();
    const isLost = this.#followed.some((address) => !now.includes(address));
    if (isLost || !isServed()) return this.follow();
    this.#moreSinceMs ??= clock.now();
    if (clock.now() - this.#moreSinceMs >= TURN_MAX_MS) await this.follow();
  }
}
