// What the API says and does without quorum, as the agent knows it: who is away, what a take-over would meet, and the take-over itself.
import { whyNoQuorum, type WhyNoQuorum } from "../joining/no-quorum.ts";
import { judgeTakeover } from "../joining/takeover.ts";
import type { Clock } from "../ports.ts";
import type { TakeoverControl } from "../server/ports.ts";
import type { JoiningNode } from "./joining/joining-node.ts";
import { votersOf } from "./joining/taking-over.ts";

export interface QuorumControlOptions {
  readonly joining: JoiningNode;
  readonly nodeId: string;
  readonly node: () => string;
  readonly copyAgeMs: () => number | undefined;
  readonly clock: Pick<Clock, "now">;
}

/** Members greet each other every 15 s. */
const HEARD_WITHIN_MS = 20_000;

export class QuorumControl implements TakeoverControl {
  readonly #options: QuorumControlOptions;

  constructor(options: QuorumControlOptions) {
    this.#options = options;
  }

  why(): WhyNoQuorum {
    const { joining, nodeId, clock } = this.#options;
    const { sight, joiner } = joining;
    const answers = (other: string): boolean => clock.now() - (joiner.peers.get(other)?.seenAtMs ?? -Infinity) < HEARD_WITHIN_MS;
    const voters = sight === undefined ? [] : votersOf(sight);
    const hasStore = joiner.phase.kind === "member" && joiner.phase.membership.memberId !== undefined;
    return whyNoQuorum({
      self: nodeId,
      isStandby: hasStore && !voters.some((voter) => voter.nodeId === nodeId),
      voters: voters.map((voter) => ({
        nodeId: voter.nodeId,
        name: voter.name,
        answers: voter.nodeId === nodeId || answers(voter.nodeId),
      })),
    });
  }

  async look({ ignoresAddress }: { readonly ignoresAddress: boolean }): ReturnType<TakeoverControl["look"]> {
    const { joining, node, copyAgeMs } = this.#options;
    const facts = await joining.lookToTakeOver();
    const verdict = judgeTakeover({ ...facts, ignoresAddress });
    const lastHeardMs = copyAgeMs();
    return {
      kind: "TakeoverReport",
      node: node(),
      voters: facts.others,
      warnings: verdict.kind === "may" ? verdict.warnings : [],
      ...(verdict.kind === "refused" && { refused: { reason: verdict.reason, next: verdict.next } }),
      ...(lastHeardMs !== undefined && { lastHeardMs }),
    };
  }

  async take(): Promise<number> {
    const { joining } = this.#options;
    await joining.takeOver();
    const { phase } = joining.joiner;
    return phase.kind === "member" ? phase.membership.epoch : 0;
  }
}
