// Whom this node asks for a house: the tailnet's devices, and agents on its LANs.
import type { Here } from "../../joining/joiner-state.ts";
import type { Address } from "../../joining/messages.ts";
import type { TailnetState } from "../../trust/tailnet.ts";
import { LanWatch, type LanWatchOptions } from "./lan-watch.ts";
import { TailnetWatch, type TailnetWatchOptions } from "./tailnet-watch.ts";

export interface DiscoveryOptions extends LanWatchOptions, TailnetWatchOptions {
  /** Whether it may speak by multicast DNS. */
  readonly mdns: boolean;
}

export class Discovery {
  readonly #tailnet: TailnetWatch;
  readonly #lan: LanWatch | undefined;

  constructor(options: DiscoveryOptions) {
    this.#tailnet = new TailnetWatch(options);
    this.#lan = options.mdns ? new LanWatch(options) : undefined;
  }

  get tailnet(): TailnetState {
    return this.#tailnet.state;
  }

  found(): Pick<Here, "candidates" | "online" | "tailnet"> {
    const { candidates: online, tailnet } = this.#tailnet.found();
    return { candidates: [...new Set([...online, ...(this.#lan?.found() ?? [])])], online, tailnet };
  }

  /** Where this node's own name was heard from on its LANs. */
  namesakes(): readonly Address[] {
    return this.#lan?.namesakes() ?? [];
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#tailnet.run(signal), this.#lan?.run(signal)]);
  }
}
