// Room in the store's files, made beside the etcd leader: asks each member how large its file is, and carries out one step at a time.
import type { Cluster } from "../../adapters/etcd3/cluster.ts";
import { DB_MAX_BYTES } from "../../adapters/etcd3/flags.ts";
import type { MemberStatus } from "../../adapters/etcd3/member.ts";
import type { Ms } from "../../joining/house-view.ts";
import { planRoom, type RoomStep } from "../../joining/store-room.ts";
import type { Clock, Log } from "../../ports.ts";
import { clientHosts, type HouseSight } from "./house-sight.ts";

export interface RoomKeeperOptions {
  readonly cluster: Pick<Cluster, "compact" | "disarm" | "moveLeader">;
  /** Of the member at `address:port`. Throws when it does not answer. */
  readonly status: (host: string, signal: AbortSignal) => Promise<MemberStatus>;
  readonly defragment: (host: string, signal: AbortSignal) => Promise<void>;
  readonly sight: Pick<HouseSight, "members" | "isFresh"> & {
    readonly records: Pick<NonNullable<HouseSight["records"]>, "active"> | undefined;
  };
  /** Of each file; absent: as our flags have it. */
  readonly bytesMax?: number;
  readonly clock: Clock;
  readonly log: Log;
}

const EVERY_MS = 60_000;
/** One step leads to the next; each member must have followed the one before. */
const AFTER_STEP_MS = 10_000;

export class RoomKeeper {
  readonly #options: RoomKeeperOptions;
  readonly #anew = new Set<string>();
  #compacted = false;
  #dueAtMs: Ms = Number.NEGATIVE_INFINITY;

  constructor(options: RoomKeeperOptions) {
    this.#options = options;
  }

  /** Whoever calls has seen that the member beside this agent leads. Throws what etcd says. */
  async look(local: MemberStatus, signal: AbortSignal): Promise<void> {
    const { sight, bytesMax = DB_MAX_BYTES, clock, log } = this.#options;
    if (clock.now() < this.#dueAtMs || !sight.isFresh || sight.records === undefined) return;
    this.#dueAtMs = clock.now() + EVERY_MS;
    const { members } = sight;
    const found = await Promise.all(members.map(async (member) => ({ member, at: await this.#ask(member, signal) })));
    const answering = found.flatMap(({ member: { id, learner }, at }) => {
      if (at === undefined) return [];
      const { dbBytes, dbInUseBytes, isFull } = at.said;
      return [{ id, learner, bytes: dbBytes, inUseBytes: dbInUseBytes, isFull }];
    });
    const isFull = answering.some((member) => member.isFull);
    if (!isFull) this.#forget();
    // Nobody's store pauses while a computer is let in; unless it is full, for then the record of that cannot be taken back either.
    if (sight.records.active !== undefined && !isFull) return;
    const voters = members.filter(({ learner }) => !learner).length;
    const step = planRoom({ answering, leaderId: local.memberId, voters, bytesMax, compacted: this.#compacted, anew: this.#anew });
    if (step === undefined) return;
    log.info("Room is made in the store", { ...step });
    const hosts = new Map(found.flatMap(({ member, at }) => (at === undefined ? [] : [[member.id, at.host] as const])));
    await this.#carryOut(step, { hosts, revision: local.revision }, signal);
    this.#dueAtMs = clock.now() + AFTER_STEP_MS;
  }

  /** It is not full any more. */
  #forget(): void {
    this.#compacted = false;
    this.#anew.clear();
  }

  async #ask(
    member: HouseSight["members"][number],
    signal: AbortSignal,
  ): Promise<{ readonly host: string; readonly said: MemberStatus } | undefined> {
    const ask = async (host: string): Promise<{ readonly host: string; readonly said: MemberStatus }> => {
      const said = await this.#options.status(host, signal);
      if (said.memberId !== member.id) throw new Error(`Another member answers at ${host}`);
      return { host, said };
    };
    return Promise.any(clientHosts(member).map(ask)).catch(() => undefined); // silent
  }

  async #carryOut(
    step: RoomStep,
    { hosts, revision }: { readonly hosts: ReadonlyMap<string, string>; readonly revision: number },
    signal: AbortSignal,
  ): Promise<void> {
    const { cluster, defragment } = this.#options;
    switch (step.kind) {
      case "compact":
        await cluster.compact(revision, signal);
        this.#compacted = true;
        return undefined;
      case "disarm":
        return cluster.disarm(signal);
      case "move-leader":
        return void (await cluster.moveLeader(step.memberId, signal));
      case "defragment": {
        const host = hosts.get(step.memberId);
        if (host !== undefined) await defragment(host, signal);
        this.#anew.add(step.memberId);
        return undefined;
      }
    }
  }
}
