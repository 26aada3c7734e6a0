// A take-over at work: looks for those that vote, and makes the house's store anew from the copy of this node. The agent has ended what lives on
// the old one.
import { UserError } from "../../api/errors.ts";
import type { Joiner, Membership } from "../../joining/joiner-state.ts";
import type { JoinRequest, Sender } from "../../joining/messages.ts";
import type { TakeoverView } from "../../joining/takeover.ts";
import type { Log } from "../../ports.ts";
import type { Child } from "../child.ts";
import { hasData } from "../etcd.ts";
import type { EtcdProgram } from "../etcd-binary.ts";
import { findVoter, type DialMember } from "./find-voter.ts";
import type { HouseSight } from "./house-sight.ts";
import type { KnownNode } from "./seen.ts";
import { keep } from "./member-disk.ts";
import type { OwnStore } from "./own-store.ts";
import { endTakeover, isSwapped, newTakeover, restoreStore, swapStores, takeoverUnderWay, type Takeover } from "./takeover-disk.ts";

export type TakeoverFacts = Omit<TakeoverView, "ignoresAddress">;

export interface TakingOverOptions {
  readonly dataDir: string;
  readonly nodeId: string;
  readonly localAddress?: string;
  readonly etcd: EtcdProgram;
  readonly child: Child;
  readonly own: OwnStore;
  /** Of this node's store. */
  readonly peerUrl: () => Promise<string>;
  readonly speaks: () => { readonly self: Sender; readonly request: JoinRequest };
  readonly dial: DialMember;
  readonly log: Log;
}

const END_MS = 5_000;

export class TakingOver {
  readonly #options: TakingOverOptions;

  constructor(options: TakingOverOptions) {
    this.#options = options;
  }

  async look({ phase }: Joiner, sight: HouseSight | undefined): Promise<TakeoverFacts> {
    const { dataDir, nodeId, dial, localAddress } = this.#options;
    const memberId = phase.kind === "member" ? phase.membership.memberId : undefined;
    if (sight === undefined) return { hasStore: false, others: [], hasQuorum: false };
    const others = votersOf(sight).filter((each) => each.nodeId !== nodeId);
    const found = others.map((node) => findVoter(node, { dial, ...(localAddress !== undefined && { localAddress }) }));
    return { hasStore: memberId !== undefined && hasData(dataDir), others: await Promise.all(found), hasQuorum: sight.isFresh };
  }

  /** Throws UserError, and nothing has changed then. */
  async take(membership: Membership | undefined, signal: AbortSignal): Promise<void> {
    const { dataDir, nodeId, etcd, child, peerUrl } = this.#options;
    if (membership?.memberId === undefined) throw new UserError("Cannot take the house over: this computer keeps no store of it.");
    const { houseId, epoch } = membership;
    const takeover = newTakeover({ nodeId, houseId, epoch: epoch + 1, peerUrl: await peerUrl() });
    await child.end(END_MS);
    await restoreStore(dataDir, takeover, etcd.file);
    await this.#finish(takeover, signal);
  }

  /** One that was killed after the new store was whole. True: the disk has changed. */
  async goOn(signal: AbortSignal): Promise<boolean> {
    const { dataDir, child } = this.#options;
    const takeover = takeoverUnderWay(dataDir);
    if (takeover === undefined) return false;
    if (!isSwapped(dataDir)) await child.end(END_MS);
    await this.#finish(takeover, signal);
    return true;
  }

  async #finish(takeover: Takeover, signal: AbortSignal): Promise<void> {
    const { dataDir, own, peerUrl, speaks, log } = this.#options;
    swapStores(dataDir);
    await peerUrl();
    const membership = await own.takeOver(takeover, speaks(), signal);
    keep(dataDir, membership);
    endTakeover(dataDir);
    log.warn("This node has taken the house over", { epoch: membership.epoch });
  }
}

export function votersOf({ seen: { voters, known } }: HouseSight): readonly KnownNode[] {
  const unknown = (nodeId: string): KnownNode => ({ nodeId, name: nodeId.slice(0, 4), addresses: [], peerUrl: "" });
  return voters.map((nodeId) => known.find((node) => node.nodeId === nodeId) ?? unknown(nodeId));
}
