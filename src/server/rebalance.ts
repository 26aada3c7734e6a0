// Evening the load out, when a person says so: what would move, and moving it.
import type { InstanceMove, RebalanceAnswer } from "../api/moves.ts";
import { ApiError } from "./api-error.ts";
import type { ServerPorts } from "./ports.ts";

interface RebalanceCall {
  readonly method: string;
  readonly body: () => Promise<unknown>;
  readonly signal: AbortSignal;
}

export async function answerRebalance(
  { foresight, mover }: Pick<ServerPorts, "foresight" | "mover">,
  { method, body, signal }: RebalanceCall,
): Promise<RebalanceAnswer> {
  const moves = foresight.evenly();
  if (method === "GET") return { kind: "Rebalance", moves };
  if (method !== "POST") throw new ApiError("BadRequest", `Cannot ${method} /api/v1/rebalance: it takes GET or POST.`);
  // What was not shown to the person is not done, nor what would do no good any more.
  const confirmed = readConfirmed(await body());
  const begun: InstanceMove[] = [];
  for (const move of moves) if (confirmed.has(`${move.instance} ${move.to ?? ""}`) && (await mover.move(move, signal))) begun.push(move);
  return { kind: "Rebalance", moves: begun };
}

/** `INSTANCE NODE`, of each. */
function readConfirmed(body: unknown): ReadonlySet<string> {
  const { moves } = (typeof body === "object" && body !== null ? body : {}) as { readonly moves?: unknown }; // looked at here
  if (!Array.isArray(moves)) throw new ApiError("BadRequest", "Cannot rebalance: `moves` should be what GET answered.");
  return new Set(
    (moves as readonly unknown[]).flatMap((move) => {
      const { instance, to } = (typeof move === "object" && move !== null ? move : {}) as Partial<InstanceMove>; // any JSON
      return typeof instance === "string" && typeof to === "string" ? [`${instance} ${to}`] : [];
    }),
  );
}
