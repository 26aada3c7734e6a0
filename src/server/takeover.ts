// Taking the house over, over HTTP: GET tells what would be met and lost, POST does it.
import type { TakeoverAnswer, TakeoverReport } from "../api/takeover.ts";
import { ApiError } from "./api-error.ts";
import type { TakeoverControl } from "./ports.ts";

interface TakeoverCall {
  readonly method: string;
  /** A person says that another computer has the address of the voter now. */
  readonly ignoresAddress: boolean;
}

/** Throws Conflict with the reason where it cannot be. */
export async function answerTakeover(control: TakeoverControl, call: TakeoverCall): Promise<TakeoverReport | TakeoverAnswer> {
  const { method, ignoresAddress } = call;
  if (method !== "GET" && method !== "POST") throw new ApiError("BadRequest", `Cannot ${method} /api/v1/takeover: it takes GET or POST.`);
  const report = await control.look({ ignoresAddress });
  if (method === "GET") return report;
  const { refused } = report;
  if (refused !== undefined) throw new ApiError("Conflict", `Cannot take the house over: ${refused.reason}.`, { next: refused.next });
  return { kind: "TakenOver", node: report.node, epoch: await control.take() };
}
