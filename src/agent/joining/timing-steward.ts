// Beside the etcd leader: asks the members' agents how their links are and how their stores run, and has one after the other start anew.
import { MeshRefusal } from "../../api/errors.ts";
import { nodeOfMember, type HouseNode, type HouseView } from "../../joining/house-view.ts";
import type { Address, NodeId } from "../../joining/messages.ts";
import { planTiming, type MemberReport, type TimingMemory, type TimingStep } from "../../joining/timing-plan.ts";
import type { Clock, Log } from "../../ports.ts";
import type { NodeAt } from "./courier.ts";
import { readReport, type TimingKeeper } from "./timing-keeper.ts";

export interface TimingStewardOptions {
  readonly nodeId: NodeId;
  readonly own: Pick<TimingKeeper, "report" | "restart">;
  /** A member's own question, and its answer. */
  readonly ask: (to: NodeAt, method: string, body: unknown) => Promise<unknown>;
  readonly clock: Clock;
  readonly log: Log;
}

const ASK_EVERY_MS = 5_000;

export class TimingSteward {
  readonly #options: TimingStewardOptions;
  readonly #reports = new Map<NodeId, MemberReport>();
  readonly #asking = new Set<NodeId>();
  readonly #answered = new Map<NodeId, Address>();
  #memory: TimingMemory = {};
  #askedAtMs = Number.NEGATIVE_INFINITY;

  constructor(options: TimingStewardOptions) {
    this.#options = options;
  }

  /** Whoever leads anew begins anew. */
  forget(): void {
    this.#memory = {};
    this.#reports.clear();
    this.#askedAtMs = Number.NEGATIVE_INFINITY;
  }

  plan(view: HouseView): TimingStep | undefined {
    this.#askAll(view);
    const { step, memory } = planTiming(view, this.#reports, this.#memory);
    this.#memory = memory;
    return step;
  }

  /** Waits for nothing: the next reports tell. */
  restart({ nodeId }: Extract<TimingStep, { kind: "restart" }>, { roster }: Pick<HouseView, "roster">): void {
    const { own, log } = this.#options;
    const signal = new AbortController().signal; // it has a limit of its own
    const restarted = nodeId === this.#options.nodeId ? own.restart(signal) : this.#ask(roster.get(nodeId), "restart-store");
    restarted.catch((error: unknown) => log.warn("A store did not start anew", { nodeId, error: String(error) }));
  }

  /** Where it answered the last time, else at all of its addresses in turn. */
  async #ask(node: HouseNode | undefined, method: string): Promise<unknown> {
    const { nodeId = "", addresses = [] } = node ?? {};
    const known = this.#answered.get(nodeId);
    this.#answered.delete(nodeId);
    let failure: unknown = new Error("It has no address");
    for (const address of addresses.toSorted((a, b) => Number(b === known) - Number(a === known))) {
      try {
        const answer = await this.#options.ask({ nodeId, address }, method, null);
        this.#answered.set(nodeId, address);
        return answer;
      } catch (error) {
        if (error instanceof MeshRefusal) throw error;
        failure = error;
      }
    }
    throw failure;
  }

  #askAll({ nowMs, members, roster }: HouseView): void {
    if (nowMs - this.#askedAtMs < ASK_EVERY_MS) return;
    this.#askedAtMs = nowMs;
    const { nodeId: self, own, clock, log } = this.#options;
    this.#reports.set(self, { ...own.report(), atMs: nowMs });
    for (const member of members) {
      const nodeId = nodeOfMember(member) ?? "";
      const node = roster.get(nodeId);
      if (node === undefined || nodeId === self || this.#asking.has(nodeId)) continue;
      this.#asking.add(nodeId);
      this.#ask(node, "links")
        .then((answer) => {
          const report = readReport(answer);
          if (report !== undefined) this.#reports.set(nodeId, { ...report, atMs: clock.now() });
        })
        .catch((error: unknown) => log.debug("Links were not told", { nodeId, error: String(error) }))
        .finally(() => this.#asking.delete(nodeId));
    }
  }
}
