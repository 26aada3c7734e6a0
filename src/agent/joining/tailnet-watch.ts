// The other computers of the tailnet that may belong to a house, and whether there is a tailnet at all: kept up to date.
import type { Here } from "../../joining/joiner-state.ts";
import type { Address } from "../../joining/messages.ts";
import type { Clock, Log } from "../../ports.ts";
import { worthAsking, type TailnetSettings, type TailnetState } from "../../trust/tailnet.ts";

/** As `TailscaleLocalApi` has them. */
export interface TailnetPort {
  /** Never throws but for the signal. */
  status(signal: AbortSignal): Promise<TailnetState>;
  /** Says when to look again. */
  looks(clock: Clock, signal: AbortSignal): AsyncIterable<void>;
}

export interface TailnetWatchOptions {
  readonly tailnet: TailnetPort;
  readonly settings: () => TailnetSettings;
  readonly clock: Clock;
  readonly log: Log;
}

type Found = Pick<Here, "candidates" | "tailnet">;

export class TailnetWatch {
  readonly #options: TailnetWatchOptions;
  /** Until it has been asked once. */
  #state: TailnetState = { kind: "unknown", state: "not asked yet" };

  constructor(options: TailnetWatchOptions) {
    this.#options = options;
  }

  /** In Tailscale's own words, for people. */
  get state(): TailnetState {
    return this.#state;
  }

  found(): Found {
    const state = this.#state;
    switch (state.kind) {
      case "unknown":
        return { candidates: [], tailnet: "starting" };
      case "absent":
        return { candidates: [], tailnet: "absent" };
      case "running":
        // In userspace mode nobody here gets to a tailnet address, and nobody gets here.
        return state.userspace ? { candidates: [], tailnet: "absent" } : { candidates: this.#candidates(state), tailnet: "running" };
    }
  }

  /** Until the signal. */
  async run(signal: AbortSignal): Promise<void> {
    const { tailnet, clock, log } = this.#options;
    for await (const _ of tailnet.looks(clock, signal)) {
      const state = await tailnet.status(signal).catch((error: unknown) => {
        if (!signal.aborted) throw error;
      });
      if (state === undefined) return;
      if (wordOf(state) !== wordOf(this.#state)) log.info("Tailnet changed its state", { from: wordOf(this.#state), to: wordOf(state) });
      this.#state = state;
    }
  }

  #candidates(state: TailnetState): readonly Address[] {
    const online = worthAsking(state, this.#options.settings()).filter((device) => device.online);
    return online.flatMap(({ addresses: [first] }) => first ?? []);
  }
}

function wordOf(state: TailnetState): string {
  return state.kind === "unknown" ? state.state : state.kind;
}
