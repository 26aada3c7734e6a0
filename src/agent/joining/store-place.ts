// Where this node's store is reached: follows the node's addresses. The house is told by whoever runs inside.
import type { Clock, Log } from "../../ports.ts";
import type { Child } from "../child.ts";
import { peerUrlOf } from "../etcd.ts";

export interface StorePlaceOptions {
  readonly dataDir: string;
  readonly addresses: () => readonly string[];
  readonly child: Child;
  /** What runs is to listen where this node is now. */
  readonly follow: () => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const LOOK_EVERY_MS = 1_000;

export class StorePlace {
  readonly #options: StorePlaceOptions;
  #peerUrl = "";

  constructor(options: StorePlaceOptions) {
    this.#options = options;
  }

  get peerUrl(): string {
    return this.#peerUrl;
  }

  /** By the addresses that there are now, and the ports that are free. */
  async choose(): Promise<string> {
    const { dataDir, addresses, child } = this.#options;
    this.#peerUrl = await peerUrlOf(dataDir, { addresses: addresses(), child });
    return this.#peerUrl;
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { addresses, follow, clock, log } = this.#options;
    for (let before = addresses().join(); !signal.aborted;) {
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
      const now = addresses().join();
      if (signal.aborted || now === before) continue;
      try {
        await this.choose();
        await follow();
        before = now;
      } catch (error) {
        log.warn("The store could not follow this node's addresses", { error });
      }
    }
  }
}
