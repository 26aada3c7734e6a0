// Other agents on this computer's LANs: it tells of its own by multicast DNS and hears of others. Sockets of its own, beside those of the
// ingress, which has no part in it: others must be found before there is a house, and while the ingress is replaced.
import { MdnsLinks, type SegmentWish } from "../../adapters/mdns/links.ts";
import { ownLinks, type OwnLink as AnyLink } from "../../adapters/mdns/own-links.ts";
import { nodeAddresses } from "../../adapters/system/node-addresses.ts";
import { isLan } from "../../ingress/address.ts";
import type { Address, NodeId } from "../../joining/messages.ts";
import type { Clock, Log } from "../../ports.ts";
import { LanBeacon } from "./lan-beacon.ts";

/** By IPv4 alone: other agents are found by the address where they speak. */
type OwnLink = Pick<AnyLink, "address" | "network">;

export interface LanWatchOptions {
  readonly nodeId: NodeId;
  /** Of its agent. */
  readonly port: number;
  /** Own addresses with their networks; of a test its own. */
  readonly links?: () => readonly OwnLink[];
  readonly clock: Clock;
  readonly log: Log;
}

/** Addresses come and go, and nobody says so. */
const LOOK_EVERY_MS = 5_000;
const SEGMENTS_MAX = 16;
const FOUND_MAX = 64;

export class LanWatch {
  readonly #options: LanWatchOptions;
  readonly #links: MdnsLinks<SegmentWish, LanBeacon>;

  constructor(options: LanWatchOptions) {
    this.#options = options;
    const { nodeId, port, log } = options;
    this.#links = new MdnsLinks({ responder: () => new LanBeacon({ nodeId, port, random: Math.random }), log });
  }

  /** Of agents that were heard lately. */
  found(): readonly Address[] {
    return this.#all((responder, nowMs) => responder.found(nowMs));
  }

  /** Where this node's own name was heard from lately, own addresses on other segments among them. */
  namesakes(): readonly Address[] {
    return this.#all((responder, nowMs) => responder.namesakes(nowMs));
  }

  /** Until the signal; then it says goodbye. */
  async run(signal: AbortSignal): Promise<void> {
    const { links = lanLinks, clock } = this.#options;
    while (!signal.aborted) {
      this.#links.apply(segmentsOf(links()));
      await clock.sleep(LOOK_EVERY_MS, signal).catch(() => undefined);
    }
    await this.#links.end({ handover: false });
  }

  #all(of: (responder: LanBeacon, nowMs: number) => readonly Address[]): readonly Address[] {
    const nowMs = performance.now(); // the clock of the links
    return [...new Set(this.#links.state.flatMap(({ responder }) => of(responder, nowMs)))].slice(0, FOUND_MAX);
  }
}

/** One address for each network. */
export function segmentsOf(links: readonly OwnLink[]): ReadonlyMap<string, SegmentWish> {
  const segments = new Map<string, SegmentWish>();
  for (const { address, network } of links) if (segments.size < SEGMENTS_MAX && !segments.has(network)) segments.set(network, { address });
  return segments;
}

/** Neither bridges of containers nor the tailnet nor the internet. */
function lanLinks(): readonly OwnLink[] {
  const addresses = nodeAddresses();
  return ownLinks().filter(({ address }) => addresses.includes(address) && isLan(address));
}
